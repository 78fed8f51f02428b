"""Phrases that all reports share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from artifactbuild.release import sources
from artifactbuild.release.diff.nouns import ADDED, CHANGED, REMOVED, ValueChange
from artifactbuild.review.telling import Line, Name

FEW = 8
"""How many names a sentence lists before it counts the rest."""

LONGEST = 60
"""How much of a value is shown."""

OTHER_KIND = "has a digest of another kind"

_DIGEST = re.compile("[0-9a-f]{64}")


def action(change: ValueChange) -> str:
    """Tell whether a value was added, removed or changed."""
    return ADDED if change.before is None else REMOVED if change.after is None else CHANGED


def source_action(change: ValueChange) -> str:
    """Tell what became of a source; digests of two kinds do not tell whether it changed."""
    kinds = {sources.kind(each) for each in (change.before, change.after) if each is not None}
    return OTHER_KIND if kinds == {sources.BYTES, sources.PYTHON} else action(change)


def arrow_text(change: ValueChange) -> str:
    """Return a change as plain text."""
    return f"{value(change.before)} → {value(change.after)}"


def arrow(before: Any, after: Any) -> Line:
    """Return a change, its two values set apart."""
    return Name(value(before)), " → ", Name(value(after))


def value(value: Any) -> str:
    """Return a value as the manifest would write it, cut where it is long."""
    if value is None:
        return "none"
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return f"{value[:12]}…"
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def few(names: Sequence[str]) -> Iterator[str]:
    """Yield the first names of a list, and how many there are beside."""
    for index, name in enumerate(names[:FEW]):
        yield from (", ",) * bool(index)
        yield Name(name)
    if len(names) > FEW:
        yield f" and {len(names) - FEW} more"


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def joined(parts: Sequence[Line], between: str) -> Iterator[str]:
    """Yield parts with a text between them."""
    for index, part in enumerate(parts):
        yield from (between,) * bool(index)
        yield from part
