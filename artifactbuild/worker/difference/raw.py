"""Bytes of which nothing more is known: the first one that differs."""

from __future__ import annotations

import numpy as np


def difference(before: bytes, after: bytes) -> str:
    """Say at which offset two strings of bytes part."""
    common = min(len(before), len(after))
    heads = [np.frombuffer(each, "uint8", common) for each in (before, after)]
    differing = np.flatnonzero(heads[0] != heads[1])
    if not len(differing):
        return f"has {len(after)} bytes, had {len(before)}; the first {common} are the same"
    at = int(differing[0])
    return f"differs from byte {at} on ({after[at]:#04x}, was {before[at]:#04x})"
