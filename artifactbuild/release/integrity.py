"""The files of an artifact, held against its record before anything opens them."""

from __future__ import annotations

from pathlib import Path

from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import digest, record
from artifactbuild.release.record import Record

BESIDE = frozenset({record.FILE, record.CARD})
"""What the record cannot list: itself, and the card that is made of it."""


def check(folder: Path, made: Record) -> None:
    """Hold every file against the record.

    Raises:
        Refusal: with a problem for each file that is missing, extra or changed.
    """
    found = {n: d for n, d in digest.of_folder(folder).items() if n not in BESIDE}
    expected = {name: file.sha256 for name, file in made.files.items()}
    problems = [
        Problem(file=str(folder / name), message=_difference(expected.get(name), found.get(name)))
        for name in sorted({*found, *expected})
        if expected.get(name) != found.get(name)
    ]
    if problems:
        raise Refusal(*problems)


def _difference(expected: str | None, found: str | None) -> str:
    if found is None:
        return "is missing from the artifact"
    if expected is None:
        return "is not part of the artifact"
    return f"has the sha256 {found}, the record says {expected}"
