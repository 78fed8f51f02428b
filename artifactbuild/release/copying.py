"""Copies of open files: by the system where it can (it may share blocks), else by reading."""

from __future__ import annotations

import os
from contextlib import suppress
from io import FileIO

_BLOCK = 1 << 20
_LARGE = 1 << 30


def copy(source: FileIO, target: FileIO, limit: int) -> None:
    """Copy what an open file has yet to give, up to a little more than `limit` bytes.

    A file may grow while it is read; one that is longer than it may be need not end.
    """
    count = _by_system(source, target, limit)
    while count <= limit and (block := source.read(_BLOCK)):
        _write(target, block)
        count += len(block)


def _by_system(source: FileIO, target: FileIO, limit: int) -> int:
    """Copy without the bytes passing through here; return how many, 0 where it is not possible."""
    count = 0
    with suppress(OSError, AttributeError):  # what it leaves, or has no room for, is read and told
        while count <= limit:
            wanted = min(limit + 1 - count, _LARGE)
            copied = os.copy_file_range(source.fileno(), target.fileno(), wanted)
            if not copied:
                break
            count += copied
    return count


def _write(file: FileIO, block: bytes) -> None:
    """Write a block to its end: an unbuffered file may take a part of it."""
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]
