"""What a version was made from, name by name, and how each is now.

A name is a POSIX path from the manifest's folder. A file has the sha256 of its content. A name with
a slash at its end is a folder, and has the digest of the names in it. What was only looked for is
`present` or `absent`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from artifactbuild.release import digest

ABSENT, PRESENT = "absent", "present"


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
    """Return how each name is now, without those that are gone; `ignored` are never listed."""
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
    return f"{name} changed"


def _now(path: Path, name: str, was: str, ignored: Collection[Path]) -> str:
    if was in (ABSENT, PRESENT):
        there = path.is_dir() if name.endswith("/") else path.exists()
        return PRESENT if there else ABSENT if was == ABSENT else ""
    if name.endswith("/"):
        own = Path(os.path.normpath(path))
        left_out = {each.name for each in ignored if each.parent == own}
        return listing(path, left_out) if path.is_dir() else ""
    return digest.of_file(path) if path.is_file() else ""
