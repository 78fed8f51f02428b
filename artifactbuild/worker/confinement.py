"""The noun of what a worker may not write."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What a job may not write, and what of that it may."""

    project: str
    """The folder that messages count paths from."""
    folder: str
    """The folder in which the job works."""
    protected: tuple[str, ...]
    """Folders that are read-only, the project among them."""
    staging: str = ""
    """The folder within them that is written once the factory has returned."""
    writable: tuple[str, ...] = ()
    """Files within them that are always writable; they exist."""
