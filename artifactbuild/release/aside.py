"""Damaged versions, set aside before they are replaced: what differs is kept for its owner."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.release import damage, durable, record

_OVERTAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a repaired version held that was not published: where it is, and which files."""

    folder: Path
    files: tuple[str, ...]


def is_as(target: Path, files: Mapping[str, str]) -> bool:
    """Tell whether a folder holds exactly some files, by their digests."""
    return damage.files_of(target) == files


def moved(target: Path, place: Path) -> Path:
    """Move what lies at a version's name to a name that is free.

    It is moved as one. Where the filesystem cannot (a lower layer of an overlay, another mount),
    it is copied, and the record goes first: a folder without a record is no version.

    Raises:
        OSError: when it cannot be moved; it is where it was, or has no record.
    """
    durable.make_folder(place.parent)
    if stat.S_ISDIR(target.lstat().st_mode):
        with suppress(OSError):  # to move a folder changes it; published folders are writable
            target.chmod(stat.S_IMODE(target.stat().st_mode) | 0o700)
    number = 1
    while True:
        free = place if number == 1 else place.with_name(f"{place.name}.{number}")
        number += 1
        if os.path.lexists(free):
            continue
        try:
            os.rename(target, free)
        except OSError as error:
            if error.errno in _OVERTAKEN:
                continue
            if error.errno != errno.EXDEV:
                raise
            _copied(target, free)
        return free


def stripped(folder: Path, files: Mapping[str, str]) -> Kept | None:
    """Remove the files that a version has again; None when nothing else is left.

    What stays can be deleted without a question: it is not read-only.
    """
    if folder.is_symlink() or not folder.is_dir():
        return Kept(folder=folder, files=("",))
    for name, sha256 in damage.files_of(folder).items():
        if files.get(name) == sha256 and not (folder / name).is_symlink():
            with suppress(OSError):
                (folder / name).unlink()
    left = []
    for inside, names, others in os.walk(folder, topdown=False):
        with suppress(OSError):
            Path(inside).rmdir()  # an empty one
            continue
        links = [name for name in names if Path(inside, name).is_symlink()]
        for path in (Path(inside, name) for name in (*others, *links)):
            left.append(path.relative_to(folder).as_posix())
            if not path.is_symlink():
                with suppress(OSError):
                    path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o200)
    if left:
        return Kept(folder=folder, files=tuple(sorted(left)))
    for parent in (folder.parent, *folder.parent.parents[:2]):
        with suppress(OSError):
            parent.rmdir()
    return None


def back(folder: Path, target: Path) -> None:
    """Give a version's name back what was set aside, if nothing else has come there."""
    with suppress(OSError):
        if not os.path.lexists(target):
            os.rename(folder, target)


def _copied(source: Path, target: Path) -> None:
    """Copy what cannot be renamed, then remove it, its record first."""

    def special(inside: str, names: list[str]) -> set[str]:
        return {name for name in names if not _is_plain(Path(inside, name))}

    if source.is_symlink() or not source.is_dir():
        shutil.move(source, target)
        return
    try:
        shutil.copytree(source, target, symlinks=True, ignore=special)
    except OSError:
        shutil.rmtree(target, ignore_errors=True)
        raise
    (source / record.FILE).unlink(missing_ok=True)
    durable.sync(source)
    shutil.rmtree(source)


def _is_plain(path: Path) -> bool:
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)
