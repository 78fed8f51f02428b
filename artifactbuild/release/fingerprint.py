"""The environment at a glance: enough to tell that it is another one, without importing anything.

`environment.here` says what there is, and takes as long as the rest of a command that finds nothing
to do; this says whether it can have changed.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ABSENT = "-"

ENVIRONMENT = "$"
"""What stands for a folder where names are those of variables of the environment."""

_INSTALLED = (".dist-info", ".egg-info")
_CPU = ("flags", "Features")


def glance() -> str:
    """Return a text that changes with our own code, Python, the libraries and the machine."""
    own = [found for folder in _own_folders() for found in _tree(folder)]
    installed = [name for path in sys.path for name in distributions(path)]
    return "\n".join([sys.version, os.uname().machine, _instructions(), *installed, *own])


def look(path: str) -> str:
    """Return what tells a changed file or folder: size, times, inode, mode; `-` if not there."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino} {found.st_mode}"


def is_of_whole_seconds(content: int, inode: int) -> bool:
    """Tell whether a filesystem keeps no fractions of a second, by the two times of a file.

    The second is always that of a change; the first may be anything, so this may err, to the side
    of too much care.
    """
    return not (content % 1_000_000_000 and inode % 1_000_000_000)


def _own_folders() -> Iterator[str]:
    """Yield the folders of our code, and of schemas and templates, which lie beside it or in it."""
    package = os.path.dirname(os.path.dirname(__file__))
    yield package
    yield from (os.path.join(os.path.dirname(package), name) for name in ("schemas", "templates"))


def _tree(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _tree(entry.path)
        else:
            yield f"{entry.name} {look(entry.path)}"


def distributions(path: str) -> list[str]:
    """Return the names, versions included, of what is installed in a folder of the search path."""
    try:
        return sorted(name for name in os.listdir(path or ".") if name.endswith(_INSTALLED))
    except OSError:
        return []


def _instructions() -> str:
    """Return the processor's line of instruction sets, as the kernel has it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return next((line for line in file if line.startswith(_CPU)), "")
    except OSError:
        return ""
