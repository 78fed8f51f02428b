"""Bytes and names brought to the disk, so that nothing is seen before it is whole."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
import stat
import sys
from contextlib import suppress
from pathlib import Path

from artifactbuild.problems import Problem, Refusal

_LARGE = 1 << 25
_AT_FDCWD = -100
_NOREPLACE = 1
_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY})
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV})


def sync(path: Path) -> None:
    """Bring a file's bytes, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def place(path: Path, content: bytes) -> None:
    """Put a file in its place, complete or not at all; a file or a link that is there is replaced.

    Raises:
        OSError: when it cannot be written, or a folder is in the way.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(part, flags, 0o644), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    sync(path.parent)


def hurry(folder: Path) -> None:
    """Write large files to the disk that need to be there later on; `seal` says what cannot be."""
    for path in folder.rglob("*"):
        with suppress(OSError):
            if path.is_file() and path.stat().st_size >= _LARGE:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fdatasync(descriptor)
                finally:
                    os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, each name on the disk before the next."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        with suppress(FileExistsError):
            each.mkdir()
        if not each.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(each))
        with suppress(PermissionError):
            sync(each.parent)


def protect(folder: Path) -> None:
    """Make files read-only, with the same modes everywhere; what is so already keeps its looks.

    Raises:
        Refusal: for anything that is neither file nor folder.
    """
    folders, files = _contents(folder)
    for paths, mode in ((files, 0o444), (folders, 0o755)):
        for path in paths:
            if stat.S_IMODE(path.stat().st_mode) != mode:
                path.chmod(mode)


def seal(folder: Path) -> None:
    """Make files read-only, and bring all of it to the disk.

    All modes are set before the first sync: a filesystem with a journal then writes it once. One
    `syncfs` would be quicker for very many files, and wait for all that others write to the disk.

    Raises:
        Refusal: for anything that is neither file nor folder.
    """
    protect(folder)
    folders, files = _contents(folder)
    for path in (*files, *folders):
        sync(path)


def rename_new(source: Path, target: Path) -> bool:
    """Rename without replacing, by `renameat2(2)`: a plain rename replaces an empty folder.

    False when the target exists, or where the call or the filesystem cannot do it.
    """
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if sys.platform != "linux" or call is None:
        return False
    old, new = os.fsencode(source), os.fsencode(target)
    if call(_AT_FDCWD, old, _AT_FDCWD, new, _NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _TAKEN or code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(target))


def move_into(source: Path, target: Path, last: str) -> None:
    """Move every file of a folder into another, the one named `last` when all else is on the disk.

    It copies where the two are on different mounts.
    """
    folders, files = _contents(source)
    for path in reversed(folders[:-1]):
        inner = target / path.relative_to(source)
        inner.mkdir()
        inner.chmod(0o755)
    for path in files:
        if path != source / last:
            _move(path, target / path.relative_to(source))
    for path in folders:
        sync(target / path.relative_to(source))
    _move(source / last, target / last)
    sync(target)


def _contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders, each after those inside it, and the files, sorted.

    A folder that cannot be read is an error: `os.walk` would take it for an empty one.
    """
    folders, files = [], []
    for inside, names, others in os.walk(folder, topdown=False, onerror=_raise):
        folders.append(Path(inside))
        files += [Path(inside, name) for name in others]
        files += [Path(inside, name) for name in names if Path(inside, name).is_symlink()]
    for path in files:
        if not stat.S_ISREG(path.lstat().st_mode):
            message = "is neither a file nor a folder, which no version may hold"
            raise Refusal(Problem(file=str(path), message=message))
    return folders, sorted(files)


def _raise(error: OSError) -> None:
    raise error


def _move(source: Path, target: Path) -> None:
    """Rename a file; across mounts, copy it under another name first, so that it appears whole."""
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, part)
        part.chmod(0o444)
        sync(part)
        os.rename(part, target)
