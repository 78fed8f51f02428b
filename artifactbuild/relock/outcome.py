"""What became of one lock."""

from __future__ import annotations

from dataclasses import dataclass

from artifactbuild.acceptance import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """One format that was rebuilt: its payload is the released one, by so many checks."""

    format: str
    checks: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocked:
    """What was accepted into a lock, what was rebuilt for that, and whether the lock changed.

    `notes` say what else there is to know, above all why nothing was accepted.
    """

    model: str
    version: str
    manifest: str
    accepted: tuple[Change, ...] = ()
    formats: tuple[Rebuilt, ...] = ()
    notes: tuple[str, ...] = ()
    lock: str
    lock_changed: bool = False
