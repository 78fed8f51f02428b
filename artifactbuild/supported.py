"""Where this runs: asked before anything is imported that other systems lack."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Version = tuple[int, int]
    Span = tuple[Version, Version]

SYSTEM = "linux"

PYTHON = ((3, 10), (3, 13))
"""The oldest and the newest minor version of Python that the tests run on."""

TENSORFLOW = ((2, 18), (2, 21))
"""The oldest and the newest minor version of TensorFlow that the tests run with."""

_NAMES = {"darwin": "macOS", "win32": "Windows", "cygwin": "Windows"}
_ROADS = {
    "darwin": "run it in a Linux container or virtual machine",
    "win32": "run it in WSL 2, or in a Linux container or virtual machine",
}


def refused() -> tuple[str, str, str] | None:
    """Return what is not supported here, what is wrong with it and the repair; None if all is."""
    if sys.platform != SYSTEM:
        name = _NAMES.get(sys.platform, sys.platform)
        why = "builds are forked, confined and published by what the Linux kernel has"
        road = _ROADS.get(sys.platform, _ROADS["darwin"])
        return "system", f"is {name}, expected Linux: {why}", road
    if not is_between(sys.version_info, PYTHON):
        version = ".".join(str(part) for part in sys.version_info[:3])
        newest = named(PYTHON[1])
        make = f"make the virtual environment with one of these, `python{newest} -m venv .venv`"
        return "python", f"is {version}, expected {span(PYTHON)}", f"{make}, and install into it"
    return None


def is_between(version: Sequence[object], bounds: Span) -> bool:
    """Tell whether the minor version of a version is one of those from the first to the last."""
    oldest, newest = bounds
    return oldest <= tuple(version[:2]) <= newest


def span(bounds: Span) -> str:
    """Return '3.10 to 3.13'."""
    return " to ".join(map(named, bounds))


def named(version: Version) -> str:
    """Return '3.10'."""
    return ".".join(map(str, version))
