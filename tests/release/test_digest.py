"""Digests of folders are the same whether one thread hashes or several."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from artifactbuild.release import digest
from artifactbuild.release.digest import Hashed
from artifactbuild.release.fingerprint import look


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


def test_known_file_is_read_only_if_it_looks_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "payload"
    file.write_bytes(b"before")
    known = {file: Hashed(sha256="known", look=look(str(file)))}
    assert digest.of_folders({"": tmp_path}, known) == {"": {"payload": "known"}}
    times = file.stat()
    time.sleep(0.05)  # of a clock that ticks every hundredth
    file.write_bytes(b"behind")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    sums = {"payload": hashlib.sha256(b"behind").hexdigest()}
    assert digest.of_folders({"": tmp_path}, known) == {"": sums}
