"""How the numbers of a variable are spread, as compact plain data that is the same every time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from artifactbuild.release.record import BINS, Histogram

BLOCK = 1 << 20
"""How many values are looked at at once, so that a large variable is not copied whole."""


def of_variable(variable: keras.Variable) -> Histogram | None:
    """Return the histogram of a variable's numbers; None where it holds none."""
    return of_array(keras.ops.convert_to_numpy(variable.value))


def of_array(array: Any) -> Histogram | None:
    """Return the histogram of an array; None without a finite number."""
    if array.dtype.kind == "V":  # bfloat16 and its like, which NumPy does not know
        array = array.astype("float32")
    if array.dtype.kind not in "fiu":
        return None
    flat = array.reshape(-1)
    finite = sum(block.size for block in _blocks(flat))
    if not finite:
        return None
    low = min(block.min() for block in _blocks(flat))
    high = max(block.max() for block in _blocks(flat))
    peak = max(abs(float(low)), abs(float(high))) or 1.0
    mean = _sum(flat, lambda block: block / peak) / finite
    deviation = math.sqrt(_sum(flat, lambda block: (block / peak - mean) ** 2) / finite)
    return Histogram(
        low=_short(low),
        high=_short(high),
        mean=_rounded(mean, peak),
        deviation=_rounded(deviation, peak),
        zeros=int(sum((block == 0).sum() for block in _blocks(flat))),
        not_finite=flat.size - finite,
        counts=_counts(flat, float(low), float(high)),
    )


def _blocks(flat: Any) -> Iterator[Any]:
    """Yield the finite values, block by block."""
    for start in range(0, flat.size, BLOCK):
        block = flat[start : start + BLOCK]
        yield block[np.isfinite(block)] if block.dtype.kind == "f" else block


def _counts(flat: Any, low: float, high: float) -> tuple[int, ...]:
    """Count the values in bins of equal width; halved, so that no difference overflows."""
    width = high / 2 - low / 2
    if not width:
        return ()
    counts = np.zeros(BINS, dtype="int64")
    for block in _blocks(flat):
        place = (block.astype("float64") / 2 - low / 2) / width * BINS
        counts += np.bincount(np.minimum(place.astype("int64"), BINS - 1), minlength=BINS)
    return tuple(int(count) for count in counts)


def _sum(flat: Any, term: Callable[[Any], Any]) -> float:
    return math.fsum(float(term(b.astype("float64")).sum()) for b in _blocks(flat))


def _rounded(share: float, peak: float) -> float:
    """Return a share of the largest magnitude, to six digits of that."""
    exponent = int(f"{peak:e}".partition("e")[2])
    return round(share * peak, 6 - exponent)


def _short(value: Any) -> float:
    """Return the shortest decimal that stands for a value of its dtype."""
    return float(str(value))
