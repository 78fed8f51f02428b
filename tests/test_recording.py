"""Digests in record and lock are those of what is published; large files are read once for them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from artifactbuild import recording
from artifactbuild.commands import making
from artifactbuild.commands.survey import survey
from artifactbuild.commands.workers import Wish
from artifactbuild.job import job, source_digests
from artifactbuild.manifest.load import load
from artifactbuild.pipeline import Outcome
from artifactbuild.release import digest, fingerprint, lock, record
from artifactbuild.release.digest import Hashed
from artifactbuild.release.record import File
from artifactbuild.worker.messages import BuildReport
from artifactbuild.worker.server import Server

TESTS = Path(__file__).parent
MADE = TESTS / "release" / "records" / "v1" / "published" / "keras" / "v1"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Take every file for a large one, and count how often each is read."""
    found: Counter[str] = Counter()
    of_file = digest.of_file

    def counted(path: Path) -> str:
        found[path.name] += 1
        return of_file(path)

    monkeypatch.setattr(recording, "LARGE", 1)
    monkeypatch.setattr(digest, "of_file", counted)
    return found


def test_large_files_are_read_once_and_locked_as_they_are_published(
    copied: Callable[[Path], Path],
    build: Callable[[Path], Outcome],
    project: Path,
    read: Counter[str],
) -> None:
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


def test_command_reads_what_it_published_no_second_time(
    copied: Callable[[Path], Path], server: Server, read: Counter[str]
) -> None:
    manifest = copied(TESTS / "samples" / "dense")
    wish = Wish(jobs=None, timeout=None, fail_fast=False)
    made = making.make(survey((str(manifest),), None, None), wish, server)
    assert not made.problems
    assert (read["model.keras"], read["model.h5"], read["saved_model.pb"]) == (1, 1, 1)
    assert read["metadata.json"] > 4, "what is small is read again: it shows that it was looked at"
    (answer,) = survey((str(manifest),), None, None).answers.values()
    assert answer.checks is not None, "what was remembered must let the next build end at once"
    assert answer.drift == []


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
    large = {name: Hashed(sha256="known", look=look) for name, look in looks.items()}
    waiting = recording.Staged(record=known, large=large)
    assert recording._payload(waiting, tmp_path) == {"model.keras": "known"}, "it is not read again"
    times = file.stat()
    file.write_bytes(b"behind")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert recording._payload(waiting, tmp_path) == {"model.keras": digest.of_bytes(b"behind")}


def test_source_that_is_edited_after_the_builder_ended_is_named(
    copied: Callable[[Path], Path],
) -> None:
    manifest = copied(TESTS / "samples" / "dense")
    model = manifest.parent / "model.py"
    work = job(load(manifest), None)
    report = BuildReport(
        sources=source_digests(work, ["model.py"]),
        looks={"model.py": fingerprint.look(str(model))},
    )
    os.utime(model)
    assert recording._edited(work, report) == []
    model.write_text(model.read_text() + "# more\n")
    assert recording._edited(work, report) == [], "a comment is no edit"
    model.write_text(model.read_text() + "more = 1\n")
    (problem,) = recording._edited(work, report)
    assert problem.message == "model.py changed while the model was being built from it"
