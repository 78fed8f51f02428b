"""What lies in an artifact's folder, by names and kinds alone: nothing is opened."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.release.fault import Fault

MAX_ENTRIES = 20_000
MAX_DEPTH = 32

COPY = "an artifact is made of plain files; copy it out of the store that it was published to"

_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The regular files of a folder: POSIX path to size in bytes, sorted; and what is amiss."""

    files: Mapping[str, int]
    faults: tuple[Fault, ...]


def scan(folder: Path) -> Tree:
    """List a folder without following a link or opening a file."""
    entries = dict(_entries(folder))
    files = {n: e.st_size for n, e in sorted(entries.items()) if stat.S_ISREG(e.st_mode)}
    faults = [
        *_too_many(entries),
        *(fault for name, entry in sorted(entries.items()) for fault in _of(name, entry)),
        *_linked(entries),
        *_colliding(entries),
    ]
    return Tree(files=files, faults=tuple(faults))


def bad_name(name: str) -> str:
    """Say what is wrong with a POSIX path inside an artifact; empty if nothing is.

    Names come from the folder and from records; both must stay inside it on every system.
    """
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") for part in parts) or "\\" in name:
        return "is no plain path inside the artifact"
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in name):
        return "has control or invisible characters in its name"
    return ""


def collisions(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of names that are one on systems which fold case or normal form."""
    first: dict[str, str] = {}
    pairs = []
    for name in sorted(names):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        if first.setdefault(folded, name) != name:
            pairs.append((first[folded], name))
    return pairs


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what is below a folder, folders included, up to the bounds."""
    pending, count = [("", 0)], 0
    while pending:
        prefix, depth = pending.pop()
        with os.scandir(folder / prefix) as found:
            for entry in found:
                status = entry.stat(follow_symlinks=False)
                yield prefix + entry.name, status
                count += 1
                if count > MAX_ENTRIES:
                    return
                if stat.S_ISDIR(status.st_mode) and depth < MAX_DEPTH:
                    pending.append((f"{prefix}{entry.name}/", depth + 1))


def _too_many(entries: Mapping[str, os.stat_result]) -> list[Fault]:
    if len(entries) > MAX_ENTRIES:
        message = f"has more than {MAX_ENTRIES} entries"
        return [Fault(kind="too-many", file="", message=message)]
    if any(name.count("/") >= MAX_DEPTH for name in entries):
        message = f"has folders more than {MAX_DEPTH} deep"
        return [Fault(kind="too-deep", file="", message=message)]
    return []


def _of(name: str, entry: os.stat_result) -> Iterator[Fault]:
    if why := bad_name(name):
        yield Fault(kind="name", file=name, message=why)
    kind = stat.S_IFMT(entry.st_mode)
    if kind in _SPECIAL:
        message = f"is {_SPECIAL[kind]}, expected a regular file"
        yield Fault(kind="special-file", file=name, message=message, hint=COPY)
    if kind == stat.S_IFLNK:
        message = "is a symbolic link, expected a regular file"
        yield Fault(kind="link", file=name, message=message, hint=COPY)


def _linked(entries: Mapping[str, os.stat_result]) -> Iterator[Fault]:
    """Find files with a further name outside the folder, through which they can be changed."""
    regular = {name: e for name, e in sorted(entries.items()) if stat.S_ISREG(e.st_mode)}
    inside = Counter((e.st_dev, e.st_ino) for e in regular.values())
    for name, entry in regular.items():
        if entry.st_nlink > inside[entry.st_dev, entry.st_ino]:
            message = f"has {entry.st_nlink} names (hard links), not all of them in the artifact"
            yield Fault(kind="link", file=name, message=message, hint=COPY)


def _colliding(entries: Iterable[str]) -> Iterator[Fault]:
    for first, second in collisions(entries):
        message = f"is the same name as {first!r} where case or normal form do not count"
        yield Fault(kind="name-collision", file=second, message=message)
