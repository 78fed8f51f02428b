"""What the C library does with memory that is freed, while large arrays come and go."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from artifactbuild.worker.settings import TRIM_THRESHOLD

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_DEFAULT_MMAP_MAX = 65536
_ALL = 2**31 - 1


@contextmanager
def kept() -> Iterator[None]:
    """Keep what is freed for whoever asks next, and give it back to the system in the end.

    By itself the heap gives blocks of 32 MB and more back at once, and the system zeroes each page
    again that is asked for: for who copies weights again and again, most of the time. Without
    glibc this does nothing. https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        yield
        return
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, _ALL)
    try:
        yield
    finally:
        libc.mallopt(_M_MMAP_MAX, _DEFAULT_MMAP_MAX)
        libc.mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD)
        libc.malloc_trim(0)
