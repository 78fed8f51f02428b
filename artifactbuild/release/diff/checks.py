"""Checks as the lock tells them, read again: what was compared, with what, and by which rule."""

from __future__ import annotations

import re

from artifactbuild.manifest.rules import Rule
from artifactbuild.release.lock import Lock

SIGNS = (" = ", " ≈ ", " as ")
"""What stands between what a check compares and with what."""

_WITHIN = re.compile(r" ≈ .* \(atol (?P<atol>[^,)]+), rtol (?P<rtol>[^,)]+)")
_BY = re.compile(r" as .* by (?P<compare>argmax|range)\b")


def by_subject(lock: Lock) -> dict[tuple[str, str, str], str]:
    """Return each check under format, loader and what it compares; a failed one says so."""
    return {
        (each.format, each.loader, subject(text)): f"{verdict}{text}"
        for each in lock.checks
        for verdict, texts in (("", each.passed), ("failed: ", each.failed))
        for text in texts
    }


def subject(text: str) -> str:
    """Return what a check compares with what, without the rule."""
    sign = min((s for s in SIGNS if s in text), key=text.index, default="")
    compared, _, rest = text.partition(sign) if sign else (text, "", "")
    return f"{compared} with {rest.split(' ')[0]}" if rest else compared


def rule(text: str) -> Rule | None:
    """Return the rule of a check, None where its text tells none."""
    if within := _WITHIN.search(text):
        try:
            atol, rtol = float(within["atol"]), float(within["rtol"])
        except ValueError:
            return None
        return Rule(compare="allclose", atol=atol, rtol=rtol, source="")
    if by := _BY.search(text):
        return Rule(compare=by["compare"], atol=0, rtol=0, source="")
    return Rule(compare="exact", atol=0, rtol=0, source="") if SIGNS[0] in text else None
