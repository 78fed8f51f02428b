"""Which artifacts are meant: by a manifest, by a folder, and which lock speaks of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.job import Job
from artifactbuild.problems import Refusal
from artifactbuild.release import record
from artifactbuild.release.lock import Locked

LEVELS = 3
"""How many folders lie between an artifacts root and a version's files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One artifact to verify, and the manifest and lock that speak of it, where they are known."""

    folder: Path
    work: Job | None = None
    locked: Locked | None = None


def of_manifest(work: Job) -> tuple[Target, ...]:
    """Return what the lock of a manifest lists and what is published of it.

    Raises:
        Refusal: when there is nothing of either.
    """
    locked = dict(work.memory.artifacts) if work.memory else {}
    there = [name for name in work.formats if os.path.lexists(work.folder(name))]
    names = sorted({*locked, *there})
    if not names:
        message = f"{work.name} {work.version} is not published, and no lock lists it"
        hint = f"run `artifactbuild build {work.loaded.document.file}`"
        raise Refusal(work.problem(("version",), message, hint))
    return tuple(
        Target(folder=work.folder(name), work=work, locked=locked.get(name)) for name in names
    )


def artifacts_below(folder: Path) -> tuple[Path, ...]:
    """Return a folder that is an artifact, or those in an artifacts root or a part of one.

    A version's folder without a record counts where others have one: it is torn.
    """
    if os.path.lexists(folder / record.FILE):
        return (folder,)
    for level in range(1, LEVELS + 1):
        found = list(_at(folder, level))
        if any(os.path.lexists(each / record.FILE) for each in found):
            return tuple(found)
    return ()


def matched(folder: Path, jobs: Sequence[Job]) -> Target:
    """Return an artifact with the manifest of those given whose model and version it is of."""
    parts = Path(os.path.abspath(folder)).parts[-LEVELS:]
    if len(parts) == LEVELS:
        model, format, version = parts
        for work in jobs:
            if (work.name, work.version) == (model, version):
                return Target(folder=folder, work=work, locked=work.locked(format))
    return Target(folder=folder)


def _at(folder: Path, level: int) -> Iterator[Path]:
    """Yield what stands so many levels below, except what is hidden."""
    if level == 0:
        yield folder
        return
    if folder.is_symlink() or not folder.is_dir():
        return
    for name in sorted(os.listdir(folder)):
        inner = folder / name
        if not name.startswith(".") and (level > 1 or inner.is_dir() or inner.is_symlink()):
            yield from _at(inner, level - 1)
