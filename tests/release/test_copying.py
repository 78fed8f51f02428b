"""Copies of open files: whole, bounded, and by reading where the system cannot copy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from artifactbuild.release import copying


def copied(source: Path, target: Path, limit: int) -> bytes:
    with open(source, "rb", buffering=0) as file, open(target, "x+b", buffering=0) as to:
        copying.copy(file, to, limit)
        to.seek(0)
        return to.readall()


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 21) + 7])
def test_copy_has_every_byte(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "source").write_bytes(content)
    assert copied(tmp_path / "source", tmp_path / "target", size) == content


def test_file_that_grew_is_not_copied_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * (1 << 23))
    found = copied(tmp_path / "source", tmp_path / "target", 10)
    assert 10 < len(found) <= 10 + (1 << 20), "it differs from what was expected, and has an end"


def test_file_that_the_system_does_not_copy_is_read(tmp_path: Path) -> None:
    source = Path("/proc/version")
    assert copied(source, tmp_path / "target", 1 << 16) == source.read_bytes() != b""


def test_system_without_the_call_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "source").write_bytes(b"content")
    monkeypatch.delattr(os, "copy_file_range")
    assert copied(tmp_path / "source", tmp_path / "target", 7) == b"content"
