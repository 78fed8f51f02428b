"""What a version was made from, name by name, and how each is now.

A name is a POSIX path from the manifest's folder. A file has the sha256 of its content; a Python
source, by the end of its name, has `python:` and the sha256 of its normalized text
(`release.python_source`), unless it is no Python, or was recorded before there were such digests:
then that of its content counts for it, too. A name with a slash at its end is a folder, and has the
digest of the names in it. What was only looked for is `present` or `absent`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from artifactbuild.release import digest, line_endings, python_source

ABSENT, PRESENT = "absent", "present"

PYTHON = "python:"
"""What the digest of a Python source's normalized text begins with."""

BYTES = "bytes"


def of_file(path: Path, was: str = PYTHON) -> str:
    """Return the digest of a file, of the kind that an earlier one was.

    Raises:
        OSError: when the file cannot be read.
    """
    if was.startswith(PYTHON) and path.suffix == python_source.SUFFIX:
        size = path.stat().st_size
        found = python_source.digest(path.read_bytes()) if size <= python_source.MAX_BYTES else None
        if found is not None:
            return PYTHON + found
    return digest.of_file(path)


def kind(state: str) -> str:
    """Return what a digest is of: BYTES or PYTHON; empty for what is none of a file."""
    if state.startswith(PYTHON):
        return PYTHON
    return "" if state in (ABSENT, PRESENT) else BYTES


def listing(folder: Path, left_out: Collection[str] = ()) -> str:
    """Return the digest of the names in a folder.

    Left out are hidden names, which editors make and remove, bytecode, and locks of manifests.
    """
    names = set(os.listdir(folder))
    own = {name for name in names if name.endswith(".lock") and f"{name[:-5]}.yaml" in names}
    kept = (
        name
        for name in names - own - set(left_out)
        if not name.startswith(".") and name != "__pycache__"
    )
    return digest.of_data(sorted(kept))


def now(folder: Path, before: Mapping[str, str], ignored: Collection[Path] = ()) -> dict[str, str]:
    """Return how each name is now, without those that are gone; `ignored` are never listed.

    A file that differs in its line endings alone has these before its digest (`line_endings`).
    """
    found = {}
    for name, was in before.items():
        state = _now(folder / name, name, was, ignored)
        if state:
            found[name] = state
    return found


def words(name: str, before: str | None, now: str | None) -> str:
    """Say what became of one name that is not as it was."""
    if now is None:
        return f"{name} is gone"
    if before == ABSENT:
        return f"{name} is there now"
    if name.endswith("/") and before != PRESENT:
        return f"the list of files in {name} changed"
    if endings := line_endings.named(now):
        return f"{name} {line_endings.ONLY} ({endings} here)"
    return f"{name} changed"


def _now(path: Path, name: str, was: str, ignored: Collection[Path]) -> str:
    if was in (ABSENT, PRESENT):
        there = path.is_dir() if name.endswith("/") else path.exists()
        return PRESENT if there else ABSENT if was == ABSENT else ""
    if name.endswith("/"):
        own = Path(os.path.normpath(path))
        left_out = {each.name for each in ignored if each.parent == own}
        return listing(path, left_out) if path.is_dir() else ""
    if not path.is_file():
        return ""
    found = of_file(path, was)
    return found if found == was else line_endings.said_of(path, was) + found
