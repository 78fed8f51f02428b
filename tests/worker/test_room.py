"""Room for workers: never too many, never too big together, and one alone always gets in."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from artifactbuild.worker import room
from artifactbuild.worker.room import Room


def most_at_once(shared: Room, needs: list[int]) -> tuple[int, int]:
    """Return the most workers at once, and the most that they took together."""
    lock, running, peaks = threading.Lock(), list[int](), list[tuple[int, int]]()

    def work(need: int) -> None:
        with shared.taken(need):
            with lock:
                running.append(need)
                peaks.append((len(running), sum(running)))
            time.sleep(0.01)
            with lock:
                running.remove(need)

    with ThreadPoolExecutor(len(needs)) as pool:
        list(pool.map(work, needs))
    return max(count for count, _ in peaks), max(total for _, total in peaks)


def test_as_many_as_jobs_run_at_once() -> None:
    assert most_at_once(Room(3, 10**9), [1] * 12) == (3, 3)


def test_memory_bounds_what_runs_at_once() -> None:
    count, total = most_at_once(Room(8, 100), [40] * 12)
    assert (count, total) == (2, 80)


def test_what_is_larger_than_the_memory_runs_alone() -> None:
    assert most_at_once(Room(8, 100), [150, 150, 150]) == (1, 150)


def test_room_is_given_back_after_a_failure() -> None:
    shared = Room(1, 10)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), shared.taken(10):
            raise ValueError("broken")
    assert most_at_once(shared, [5, 5]) == (1, 5)


def test_machine_has_room() -> None:
    assert room.processors() >= 1
    assert room.free_memory() > 10**8
    assert room.of_machine(3).jobs == 3
    assert room.of_machine().jobs == room.processors()
