"""Signs of life: a file that its holder keeps locked, so that the kernel tells when it is gone.

A lock of `flock(2)` ends with the process that holds it, however that one dies; the number of a
process proves nothing. Where a filesystem has no locks nothing is known of what another holds.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OURS, THEIRS, UNKNOWN, LOST = "ours", "theirs", "unknown", "lost"


@contextmanager
def hold(path: Path, flags: int = os.O_CREAT) -> Iterator[str]:
    """Hold a file for as long as the block runs, making it if it is missing; never wait.

    Gives OURS, THEIRS if another holds it, UNKNOWN where the filesystem has no locks, LOST if the
    file was removed in between: then another has taken it for a dead one's.

    Raises:
        OSError: when the file cannot be opened with `flags` or made.
    """
    descriptor = _open(path, flags)
    try:
        yield _state(path, descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path, flags: int) -> int:
    """Open for writing, as locks on NFS ask; what belongs to another user, for reading."""
    always = flags | os.O_CLOEXEC | os.O_NOFOLLOW
    with suppress(PermissionError):
        return os.open(path, os.O_RDWR | always, 0o644)
    return os.open(path, os.O_RDONLY | always, 0o644)


def _state(path: Path, descriptor: int) -> str:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return THEIRS
    except OSError:
        return UNKNOWN
    try:
        there = path.lstat()
    except FileNotFoundError:
        return LOST
    return OURS if os.path.samestat(there, os.fstat(descriptor)) else LOST
