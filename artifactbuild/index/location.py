"""Where the index of an artifacts root lies: in the user's own cache, outside of any checkout.

A checkout holds what others wrote: an index in it would let them answer for us. Imports next to
nothing: see `entries`.
"""

from __future__ import annotations

import os

MOST = 256
"""How many indexes are kept; those that were written longest ago go first."""


def file_of(root: str, project: str) -> str | None:
    """Return the file of a root's index; None where there is no place that only the user writes.

    A project's own root that leads out of the project has none: nobody named that place.
    """
    cache = _cache()
    if cache is None or leaves(root, project) or _is_below(cache, _checkout(project)):
        return None
    name = "".join([char if char.isalnum() else "-" for char in root[-40:]])
    return f"{cache}/artifactbuild/{name}.{_number(root)}.index"


def leaves(root: str, project: str, inside: str = "") -> str:
    """Return where a project's own root, or a folder in it, leads out of the project; else empty.

    A root that the user named elsewhere may be anywhere.
    """
    if root != f"{project}/artifacts":
        return ""
    real = os.path.realpath(f"{root}/{inside}" if inside else root)
    return "" if _is_below(real, os.path.realpath(project)) else real


def is_private(status: os.stat_result) -> bool:
    """Tell whether a file or folder is the user's own, and nobody else may write it."""
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def prepare(file: str) -> bool:
    """Make the folder of an index, for the user alone; False where that cannot be."""
    folder = os.path.dirname(file)
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        if not is_private(os.lstat(folder)):
            return False
        names = [entry for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
        oldest = sorted(names, key=lambda entry: entry.stat(follow_symlinks=False).st_mtime_ns)
        for entry in oldest[: max(len(names) - MOST, 0)]:
            os.remove(entry.path)
    except OSError:
        return False
    return True


def _cache() -> str | None:
    """Return the user's folder of caches, by the XDG Base Directory Specification."""
    found = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(found):
        found = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.realpath(found) if os.path.isabs(found) else None


def _checkout(project: str) -> str:
    """Return the checkout that a project is in: above a module of git's too, if it is one."""
    folder = found = os.path.realpath(project)
    while True:
        if os.path.lexists(f"{folder}/.git"):
            found = folder
            if os.path.isdir(f"{folder}/.git"):
                return found
        above = os.path.dirname(folder)
        if above == folder:
            return found
        folder = above


def _is_below(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder}/")


def _number(root: str) -> str:
    """Return a number of 64 bits for a path: Python's own hash of numbers, the same everywhere."""
    return format(hash(tuple(os.fsencode(root))) & (1 << 64) - 1, "016x")
