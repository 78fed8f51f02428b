"""What a job may not write: the project, the artifacts and this package; by the kernel.

In a namespace of its own they are mounted read-only. Where there is none, Landlock takes the right
to write from everything but what is not above, in or below them: then nothing new can be made
directly in a folder that is above them either. Mode bits and times are left to `guard` where
Landlock alone stands, and so is everything where neither can be had.
"""

from __future__ import annotations

import os
import site
import tempfile
from collections.abc import Iterator
from pathlib import Path

from artifactbuild.worker import kernel
from artifactbuild.worker.confinement import Confinement

HOME, TEMPORARY = "home", "tmp"

OF_SCRATCH = {
    **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), TEMPORARY),
    "HOME": HOME,
    "KERAS_HOME": f"{HOME}/.keras",
    "MPLCONFIGDIR": f"{HOME}/.config/matplotlib",
    "NUMBA_CACHE_DIR": f"{HOME}/.cache/numba",
    "XDG_CACHE_HOME": f"{HOME}/.cache",
    "XDG_CONFIG_HOME": f"{HOME}/.config",
    "XDG_DATA_HOME": f"{HOME}/.local/share",
    "XDG_STATE_HOME": f"{HOME}/.local/state",
}
"""Variables that name a place to write, with the place in a job's scratch."""

ALWAYS = ("/dev", "/proc", "/sys", "/tmp")  # noqa: S108, kept writable for a project at `/`

UNCONFINED = (
    "this machine lets no process be confined: what Python code writes into the project is "
    "refused, what C++ or a child process of a factory writes there is not"
)

_WRITE, _REMOVE_FOLDER, _REMOVE_FILE = 1 << 1, 1 << 4, 1 << 5
_MAKE = sum(1 << bit for bit in range(6, 13))
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_OLDEST = 2
"""The first version of Landlock that lets files be renamed from one folder to another."""


def give_scratch(scratch: str) -> None:
    """Point the home, the temporary folder and the caches of this process to a fresh folder."""
    os.environ.setdefault("PYTHONUSERBASE", site.getuserbase())
    settings = os.path.expanduser("~/.gitconfig")
    if os.path.isfile(settings):  # it says which folders git trusts
        os.environ.setdefault("GIT_CONFIG_GLOBAL", settings)
    for name in (HOME, TEMPORARY):
        Path(scratch, name).mkdir(parents=True)
    os.environ.update({name: f"{scratch}/{place}" for name, place in OF_SCRATCH.items()})
    tempfile.tempdir = f"{scratch}/{TEMPORARY}"


def enter(confinement: Confinement, scratch: str, *, enclosed: bool) -> bool:
    """Make what is protected read-only for this process and its children, for good.

    Returns False where the kernel does not let us.
    """
    protected = outermost(confinement.protected)
    spared = [
        os.path.realpath(path) for path in (confinement.staging, *confinement.writable) if path
    ]
    spared.append(os.path.realpath(scratch))
    if enclosed:
        _mount(protected, spared)
        if os.geteuid():
            kernel.drop_capabilities()
        return True
    version = kernel.landlock_version()
    if version < _OLDEST:
        return False
    file = _WRITE | (_TRUNCATE if version > _OLDEST else 0)
    folder = file | _REMOVE_FOLDER | _REMOVE_FILE | _MAKE | _REFER
    opened = [*_around(protected), *_always(protected), *spared]
    rights = {path: folder if os.path.isdir(path) else file for path in opened}
    kernel.landlock(folder, rights)
    return True


def outermost(paths: tuple[str, ...]) -> list[str]:
    """Return the real places of folders without those that are in others."""
    found: list[str] = []
    for path in sorted({os.path.realpath(path) for path in paths if os.path.isdir(path)}):
        if not any(is_within(path, each) for each in found):
            found.append(path)
    return found


def is_within(path: str, folder: str) -> bool:
    """Tell whether a path is a folder or lies in it; both are real places."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _mount(protected: list[str], spared: list[str]) -> None:
    kernel.unshare(kernel.NEW_MOUNTS)
    again = [path for path in spared if any(is_within(path, each) for each in protected)]
    for path in protected:
        if path != os.sep:
            kernel.mount(path, path, flags=kernel.BIND | kernel.RECURSIVE)
        kernel.make_read_only(path)
    for path in [*_always(protected), *again]:
        kernel.mount(path, path, flags=kernel.BIND | kernel.RECURSIVE)
        kernel.make_read_only(path, undo=True)


def _always(protected: list[str]) -> list[str]:
    return [path for path in ALWAYS if os.path.isdir(path)] if os.sep in protected else []


def _around(protected: list[str]) -> Iterator[str]:
    """Yield what is beside each protected folder and beside all that it lies in; no links."""
    if os.sep in protected:
        return
    above = {str(parent) for path in protected for parent in Path(path).parents}
    for folder in sorted(above):
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            if entry.path not in above and entry.path not in protected and not entry.is_symlink():
                yield entry.path
