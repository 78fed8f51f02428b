"""JSON by key, other text by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from artifactbuild.worker.difference import tree


def json_differences(before: Path, after: Path) -> Iterator[str]:
    """Yield the keys that differ between two JSON files."""
    was, now = (json.loads(path.read_bytes()) for path in (before, after))
    yield from tree.differences(was, now)


def line_differences(before: Path, after: Path) -> Iterator[str]:
    """Yield the lines that differ, counted from 1."""
    pages = [path.read_text(encoding="utf-8").splitlines() for path in (before, after)]
    for number, (was, now) in enumerate(zip_longest(*pages), 1):
        if was != now:
            yield f"line {number} is {_line(now)}, was {_line(was)}"


def _line(line: str | None) -> str:
    return "gone" if line is None else tree.shown(line)
