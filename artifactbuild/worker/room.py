"""Room for workers: how many may run at once, by processors and by memory."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARE = 0.8
"""How much of the free memory workers get; the rest is for whoever else runs."""


WORKER = 400_000_000
"""What a worker takes beside the model, in bytes."""


class Room:
    """What workers share: `jobs` of them at once, within `memory` bytes.

    One alone always gets in, whatever it needs: it may be wrong about that, and waiting helps
    nobody.
    """

    def __init__(self, jobs: int, memory: int) -> None:
        self.jobs = jobs
        self._free = memory
        self._running = 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, need: int) -> Iterator[None]:
        """Wait for room, and hold it; `need` is in bytes."""
        with self._changed:
            self._changed.wait_for(lambda: self._has(need))
            self._running += 1
            self._free -= need
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._free += need
                self._changed.notify_all()

    def _has(self, need: int) -> bool:
        return self._running == 0 or (self._running < self.jobs and need <= self._free)


def of_machine(jobs: int | None = None) -> Room:
    """Return the room there is: a worker for each processor, unless told otherwise."""
    return Room(jobs or processors(), int(SHARE * free_memory()))


def of_model(size: int) -> int:
    """Return what a builder may take of memory for a model of `size` bytes, its copies included."""
    return WORKER + 4 * size


def of_payload(size: int) -> int:
    """Return what a validator may take of memory for a payload of `size` bytes."""
    return WORKER + 3 * size


def processors() -> int:
    """Return how many processors this process may use, a container's quota included."""
    count = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    quota, period = [*_words("/sys/fs/cgroup/cpu.max"), "max", "max"][:2]
    if quota.isdecimal() and period.isdecimal():
        count = min(count, max(1, round(int(quota) / int(period))))
    return count


def free_memory() -> int:
    """Return how many bytes can be used, as the kernel and the container's limit say."""
    free = [_available(), _left("memory.max", "memory.current")]
    return min(filter(None, free), default=sys.maxsize)


def _available() -> int | None:
    words = _words("/proc/meminfo")
    return int(words[words.index("MemAvailable:") + 1]) * 1024 if "MemAvailable:" in words else None


def _left(limit: str, used: str) -> int | None:
    """Return what a container may still take; None if it has no limit."""
    limits, current = (_words(f"/sys/fs/cgroup/{name}") for name in (limit, used))
    if not limits or not current or not limits[0].isdecimal():
        return None
    return max(1, int(limits[0]) - int(current[0]))


def _words(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii").split()
    except OSError:
        return []
