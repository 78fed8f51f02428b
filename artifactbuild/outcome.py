"""What became of a manifest, as a build tells it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one format: published, identical, up to date; where it is, its checks."""

    format: str
    outcome: str
    folder: str
    checks: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one manifest."""

    model: str
    version: str
    results: tuple[Result, ...]
    lock: str
    lock_changed: bool
    measured: str = ""
    """What was measured here, where the figures of the release are published."""
