"""How the numbers of a variable are spread, as compact plain data that is the same every time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from artifactbuild.release.record import BINS, Histogram
from artifactbuild.worker import state

Blocks = tuple[Any, ...]
"""The finite values of an array, in order."""

BLOCK = 1 << 17
"""How many values are looked at at once: as float64, they fit into a processor's cache."""


def of_variable(variable: keras.Variable) -> Histogram | None:
    """Return the histogram of a variable's numbers; None where it holds none."""
    return of_array(state.numbers(variable))


def of_array(array: Any) -> Histogram | None:
    """Return the histogram of an array; None without a finite number."""
    if array.dtype.kind == "V":  # bfloat16 and its like, which NumPy does not know
        array = array.astype("float32")
    if array.dtype.kind not in "fiu":
        return None
    flat = array.reshape(-1)
    blocks = tuple(_blocks(flat))
    finite = sum(block.size for block in blocks)
    if not finite:
        return None
    low = min(block.min() for block in blocks if block.size)
    high = max(block.max() for block in blocks if block.size)
    peak = max(abs(float(low)), abs(float(high))) or 1.0
    mean = _sum(blocks, lambda block: block / peak) / finite
    deviation = math.sqrt(_sum(blocks, lambda block: (block / peak - mean) ** 2) / finite)
    return Histogram(
        low=_short(low),
        high=_short(high),
        mean=_rounded(mean, peak),
        deviation=_rounded(deviation, peak),
        zeros=int(sum(block.size - np.count_nonzero(block) for block in blocks)),
        not_finite=flat.size - finite,
        counts=_counts(blocks, float(low), float(high)),
    )


def _blocks(flat: Any) -> Iterator[Any]:
    """Yield the finite values, block by block; only blocks with others are copied."""
    for start in range(0, flat.size, BLOCK):
        block = flat[start : start + BLOCK]
        finite = np.isfinite(block) if block.dtype.kind == "f" else None
        yield block if finite is None or finite.all() else block[finite]


def _counts(blocks: Blocks, low: float, high: float) -> tuple[int, ...]:
    """Count the values in bins of equal width; halved, so that no difference overflows."""
    width = high / 2 - low / 2
    if not width:
        return ()
    counts = np.zeros(BINS, dtype="int64")
    for block in blocks:
        place = (block.astype("float64") / 2 - low / 2) / width * BINS
        counts += np.bincount(np.minimum(place.astype("int64"), BINS - 1), minlength=BINS)
    return tuple(int(count) for count in counts)


def _sum(blocks: Blocks, term: Callable[[Any], Any]) -> float:
    return math.fsum(float(term(block.astype("float64")).sum()) for block in blocks)


def _rounded(share: float, peak: float) -> float:
    """Return a share of the largest magnitude, to six digits of that."""
    exponent = int(f"{peak:e}".partition("e")[2])
    return round(share * peak, 6 - exponent)


def _short(value: Any) -> float:
    """Return the shortest decimal that stands for a value of its dtype."""
    return float(str(value))
