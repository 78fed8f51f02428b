"""Files that somebody else may have laid out: opened only if regular, read only up to a bound."""

from __future__ import annotations

import os
import stat
from io import FileIO
from pathlib import Path


class Unreadable(Exception):
    """A file that is not opened or not read to its end; says why."""


def opened(path: Path, *, follow: bool = True) -> FileIO:
    """Open a regular file; a pipe would wait for its writer, and a device has no end.

    Without `follow`, a symbolic link is refused too.

    Raises:
        Unreadable: when it is something else, or cannot be opened.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise Unreadable((error.strerror or str(error)).lower()) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unreadable("is not a regular file")
    return FileIO(descriptor, "rb")


def bounded(path: Path, limit: int, *, follow: bool = True) -> bytes:
    """Return the content of a regular file of at most `limit` bytes.

    Raises:
        Unreadable: when it is larger, is something else, or cannot be read.
    """
    with opened(path, follow=follow) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise Unreadable(f"has {size} bytes, expected at most {limit}")
        try:
            content = b"".join(iter(lambda: file.read(1 << 20), b""))
        except OSError as error:
            raise Unreadable((error.strerror or str(error)).lower()) from error
    if len(content) > limit:
        raise Unreadable(f"has more than {limit} bytes")
    return content
