"""Digests of folders are the same whether one thread hashes or several."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from artifactbuild.release import digest


@pytest.mark.parametrize("many", [0, 1 << 26])
def test_folders_by_name_then_path(
    tmp_path: Path, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "_MANY", many)
    contents = {"one/b": b"b", "one/a/c": b"longer", "two/a": b"", "two/b": b"b"}
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    found = digest.of_folders({"x": tmp_path / "one", "y": tmp_path / "two"})
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    assert list(found["x"].items()) == [("a/c", sums["one/a/c"]), ("b", sums["one/b"])]
    assert list(found["y"].items()) == [("a", sums["two/a"]), ("b", sums["two/b"])]
