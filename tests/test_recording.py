"""Digests in record and lock are those of what is published; large files are read once for them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from artifactbuild import recording
from artifactbuild.pipeline import Outcome
from artifactbuild.release import digest, lock, record
from artifactbuild.release.record import File

TESTS = Path(__file__).parent
MADE = TESTS / "release" / "records" / "v1" / "published" / "keras" / "v1"


def test_large_files_are_read_once_and_locked_as_they_are_published(
    copied: Callable[[Path], Path],
    build: Callable[[Path], Outcome],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: Counter[str] = Counter()
    of_file = digest.of_file

    def counted(path: Path) -> str:
        read[path.name] += 1
        return of_file(path)

    monkeypatch.setattr(recording, "LARGE", 1)
    monkeypatch.setattr(digest, "of_file", counted)
    manifest = copied(TESTS / "samples" / "dense")
    build(manifest)
    assert {name: read[name] for name in ("model.keras", "model.h5", "saved_model.pb")} == {
        "model.keras": 1,
        "model.h5": 1,
        "saved_model.pb": 1,
    }
    locked = lock.read(manifest, "the lock")
    assert locked is not None
    for format, each in locked.artifacts.items():
        published = digest.of_folder(project / "artifacts" / "dense" / format / "v1")
        assert each.files == published
        made = record.read(project / "artifacts" / "dense" / format / "v1")
        assert {name: file.sha256 for name, file in made.files.items()} == {
            name: sha256
            for name, sha256 in published.items()
            if name not in (record.FILE, record.CARD)
        }


def test_large_file_that_was_written_to_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "LARGE", 1)
    folder = tmp_path / "keras"
    folder.mkdir()
    file = folder / "model.keras"
    file.write_bytes(b"before")
    looks = recording._looks_of_large(folder)
    known = replace(record.read(MADE), files={file.name: File(sha256="known", size=6)})
    waiting = recording.Staged(record=known, looks=looks)
    assert recording._payload(waiting, tmp_path) == {"model.keras": "known"}, "it is not read again"
    times = file.stat()
    file.write_bytes(b"behind")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert recording._payload(waiting, tmp_path) == {"model.keras": digest.of_bytes(b"behind")}
