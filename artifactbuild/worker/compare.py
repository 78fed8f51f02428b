"""Two sets of named outputs, compared: structure, shapes and dtypes first, then every value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from artifactbuild.manifest.model import Tolerance
from artifactbuild.release.record import Check
from artifactbuild.worker.reference import Arrays

EXACT = Tolerance(atol=0.0, rtol=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far outputs are from what was expected; `fault` is empty when they are within bounds."""

    count: int
    max_abs: float | None
    fault: str


def compare(found: Arrays, expected: Arrays, tolerance: Tolerance) -> Comparison:
    """Compare outputs by name; |found - expected| <= atol + rtol * |expected| must hold everywhere.

    NaN fails wherever it stands.
    """
    if set(found) != set(expected):
        fault = f"outputs are {sorted(found)}, expected {sorted(expected)}"
        return Comparison(count=0, max_abs=None, fault=fault)
    return merged([_one(name, found[name], expected[name], tolerance) for name in sorted(expected)])


def check(
    loader: str, compared: str, against: str, comparison: Comparison, tolerance: Tolerance
) -> Check:
    """Return a comparison as a finding of validation."""
    return Check(
        loader=loader,
        compared=compared,
        against=against,
        count=comparison.count,
        max_abs=comparison.max_abs,
        atol=tolerance.atol,
        rtol=tolerance.rtol,
        passed=not comparison.fault,
        detail=comparison.fault,
    )


def merged(comparisons: list[Comparison]) -> Comparison:
    """Return several comparisons as one: the largest difference, the first fault."""
    differences = [c.max_abs for c in comparisons if c.max_abs is not None]
    return Comparison(
        count=sum(c.count for c in comparisons),
        max_abs=max(differences, default=None),
        fault=next((c.fault for c in comparisons if c.fault), ""),
    )


def _one(name: str, found: Any, expected: Any, tolerance: Tolerance) -> Comparison:
    if found.shape != expected.shape or found.dtype.kind != expected.dtype.kind:
        fault = (
            f"output {name!r} is {found.dtype}{list(found.shape)}, "
            f"expected {expected.dtype}{list(expected.shape)}"
        )
        return Comparison(count=0, max_abs=None, fault=fault)
    if expected.dtype.kind not in "fc":
        return _discrete(name, found, expected)
    with np.errstate(all="ignore"):
        difference = np.abs(found.astype("complex128") - expected.astype("complex128"))
        bound = tolerance.atol + tolerance.rtol * np.abs(expected.astype("complex128"))
        bad = ~(difference <= bound)
    worst = float(np.max(difference, initial=0.0))
    fault = ""
    if bad.any():
        excess = np.where(np.isnan(difference), np.inf, difference - bound)
        fault = _fault(name, found, expected, bad, int(np.argmax(np.where(bad, excess, -1.0))))
    return Comparison(count=expected.size, max_abs=None if np.isnan(worst) else worst, fault=fault)


def _discrete(name: str, found: Any, expected: Any) -> Comparison:
    bad = np.asarray(found != expected)
    fault = _fault(name, found, expected, bad, int(np.argmax(bad))) if bad.any() else ""
    return Comparison(count=expected.size, max_abs=float(bad.any()), fault=fault)


def _fault(name: str, found: Any, expected: Any, bad: Any, worst: int) -> str:
    index = [int(i) for i in np.unravel_index(worst, bad.shape)]
    number = int(bad.sum())
    return (
        f"output {name!r} at {index} is {_shown(found.flat[worst])}, "
        f"expected {_shown(expected.flat[worst])} "
        f"({number} of {bad.size} values differ, {number / bad.size:.0%})"
    )


def _shown(value: Any) -> str:
    return f"{value:.6g}" if np.issubdtype(type(value), np.number) else repr(value)
