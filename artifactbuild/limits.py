"""Bounds on what a process that reads or runs what others made may use up."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one process: CPU seconds, bytes of data in memory, bytes of any file it writes.

    `seconds` is by the clock; who starts the process keeps it.
    """

    seconds: int
    cpu: int
    memory: int
    file: int


READING = Limits(seconds=120, cpu=60, memory=8 << 30, file=16 << 20)
"""For a child that inspects."""

RUNNING = Limits(seconds=300, cpu=300, memory=16 << 30, file=16 << 20)
"""For a child that loads and asks for the reference outputs."""


RENDERING = Limits(seconds=120, cpu=4, memory=1 << 30, file=16 << 20)
"""For a child that renders a project's own template."""

GRACE = 5
"""CPU seconds between the signal that names the limit and the one that cannot be handled."""


def set_here(limits: Limits) -> None:
    """Bind this process to limits, for good; it leaves no core file behind either."""
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: limits.cpu,
        resource.RLIMIT_DATA: limits.memory,
        resource.RLIMIT_FSIZE: limits.file,
    }
    if sys.platform != "linux":  # elsewhere it does not count what is mapped
        del bounds[resource.RLIMIT_DATA]
    for kind, bound in bounds.items():
        _, hard = resource.getrlimit(kind)
        allowed = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        grace = GRACE if kind == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else 0
        resource.setrlimit(kind, (allowed, allowed + grace))
