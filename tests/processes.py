"""The processes of this machine that have a mark in their environment or among their arguments."""

from __future__ import annotations

import time
from pathlib import Path


def marked(mark: str) -> dict[int, str]:
    """Return the arguments of each such process by its number; none that has ended."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if mark.encode() in arguments or mark.encode() in environment:
            found[int(folder.name)] = arguments.replace(b"\0", b" ").decode(errors="replace")
    return found


def left(mark: str, seconds: float) -> dict[int, str]:
    """Return what is left when all have had some time to end."""
    deadline = time.monotonic() + seconds
    while (found := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def children(number: int) -> list[int]:
    """Return the numbers of a process's children."""
    return [int(c) for c in Path(f"/proc/{number}/task/{number}/children").read_text().split()]
