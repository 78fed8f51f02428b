from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from artifactbuild.release import durable
from artifactbuild.release.fingerprint import look


def test_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "variables").mkdir()
    scandir = os.scandir

    def broken(path: str) -> object:
        if str(path).endswith("variables"):
            raise OSError(5, "Input/output error")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", broken)
    with pytest.raises(OSError, match="Input/output error"):
        durable.seal(tmp_path)


def test_rename_replaces_nothing_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "old").mkdir()
    assert not durable.rename_new(tmp_path / "new", tmp_path / "old")
    assert durable.rename_new(tmp_path / "new", tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError):
        durable.rename_new(tmp_path / "new", tmp_path / "again")


def test_what_is_protected_already_keeps_its_looks(tmp_path: Path) -> None:
    file = tmp_path / "payload"
    file.write_bytes(b"content")
    durable.protect(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o444
    before = look(str(file))
    time.sleep(0.05)  # of a clock that ticks every hundredth
    durable.seal(tmp_path)
    assert look(str(file)) == before


def test_large_files_are_hurried_to_the_disk_and_those_that_go_meanwhile_let_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "variables").mkdir()
    large, gone, small = tmp_path / "variables" / "data", tmp_path / "gone", tmp_path / "small"
    for file, size in ((large, 1 << 25), (gone, 1 << 25), (small, (1 << 25) - 1)):
        with file.open("wb") as opened:
            opened.truncate(size)
    hurried, opens = [], os.open
    monkeypatch.setattr(os, "fdatasync", lambda each: hurried.append(os.fstat(each).st_ino))

    def vanish(path: Path, *how: int) -> int:
        gone.unlink(missing_ok=True)
        return opens(path, *how)

    monkeypatch.setattr(os, "open", vanish)
    durable.hurry(tmp_path)
    assert hurried == [large.stat().st_ino]
