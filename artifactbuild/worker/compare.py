"""Two sets of named outputs, compared: structure, shapes and dtypes first, then every value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from artifactbuild.manifest.rules import Rule
from artifactbuild.release.record import Check
from artifactbuild.worker.reference import Arrays

EXACT = Rule(compare="exact", atol=0.0, rtol=0.0, source="always")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far outputs are from what was expected; `fault` is empty when they are within bounds.

    `bound` is how far the value may be that is farthest off, by `max_abs`.
    """

    rule: Rule
    count: int
    max_abs: float | None
    fault: str
    bound: float | None = None


def compare(found: Arrays, expected: Arrays, rules: Mapping[str, Rule] | None = None) -> Comparison:
    """Compare outputs by name, each by its rule; without rules, to the bit.

    NaN fails wherever it stands.
    """
    if set(found) != set(expected):
        fault = f"outputs are {sorted(found)}, expected {sorted(expected)}"
        return Comparison(rule=EXACT, count=0, max_abs=None, fault=fault)
    chosen = rules or dict.fromkeys(expected, EXACT)
    return merged([_one(name, found[name], expected[name], chosen[name]) for name in sorted(found)])


def merged(comparisons: list[Comparison]) -> Comparison:
    """Return several as one: the rule of the first fault, or the widest; the largest figure."""
    measured = [c for c in comparisons if c.max_abs is not None]
    farthest = max(measured, key=lambda c: (c.max_abs, -(c.bound or 0.0)), default=None)
    faulty = next((c for c in comparisons if c.fault), None)
    widest = max(comparisons, key=lambda c: (c.rule.compare != "exact", c.rule.atol, c.rule.rtol))
    return Comparison(
        rule=(faulty or widest).rule,
        count=sum(c.count for c in comparisons),
        max_abs=farthest.max_abs if farthest else None,
        fault=faulty.fault if faulty else "",
        bound=farthest.bound if farthest else None,
    )


def check(loader: str, compared: str, against: str, comparison: Comparison) -> Check:
    """Return a comparison as a finding of validation."""
    return Check(
        loader=loader,
        compared=compared,
        against=against,
        compare=comparison.rule.compare,
        rule=comparison.rule.source,
        count=comparison.count,
        max_abs=comparison.max_abs,
        atol=comparison.rule.atol,
        rtol=comparison.rule.rtol,
        passed=not comparison.fault,
        detail=comparison.fault,
        bound=comparison.bound,
    )


def _one(name: str, found: Any, expected: Any, rule: Rule) -> Comparison:
    if found.shape != expected.shape or found.dtype.kind != expected.dtype.kind:
        fault = (
            f"output {name!r} is {found.dtype}{list(found.shape)}, "
            f"expected {expected.dtype}{list(expected.shape)}"
        )
        return Comparison(rule=rule, count=0, max_abs=None, fault=fault)
    if rule.compare == "argmax":
        return _discrete(name, found.argmax(axis=-1), expected.argmax(axis=-1), rule)
    if expected.dtype.kind not in "fc":
        return _discrete(name, found, expected, rule)
    if rule.compare == "range":
        return _within_range(name, found, expected, rule)
    return _close(name, found, expected, rule)


def _close(name: str, found: Any, expected: Any, rule: Rule) -> Comparison:
    """Compare numbers: |found - expected| <= atol + rtol * |expected| everywhere."""
    atol, rtol = (0.0, 0.0) if rule.compare == "exact" else (rule.atol, rule.rtol)
    with np.errstate(all="ignore"):
        difference = np.abs(found.astype("complex128") - expected.astype("complex128"))
        bound = atol + rtol * np.abs(expected.astype("complex128"))
        bad = ~(difference <= bound)
    worst = float(np.max(difference, initial=0.0))
    fault = ""
    if bad.any():
        excess = np.where(np.isnan(difference), np.inf, difference - bound)
        fault = _fault(name, found, expected, bad, int(np.argmax(np.where(bad, excess, -1.0))))
    if np.isnan(worst):
        return Comparison(rule=rule, count=expected.size, max_abs=None, fault=fault)
    allowed = float(bound.flat[int(np.argmax(difference))].real) if difference.size else atol
    return Comparison(rule=rule, count=expected.size, max_abs=worst, fault=fault, bound=allowed)


def _discrete(name: str, found: Any, expected: Any, rule: Rule) -> Comparison:
    bad = np.asarray(found != expected)
    fault = _fault(name, found, expected, bad, int(np.argmax(bad))) if bad.any() else ""
    return Comparison(rule=rule, count=expected.size, max_abs=float(bad.any()), fault=fault)


def _within_range(name: str, found: Any, expected: Any, rule: Rule) -> Comparison:
    """Hold a stochastic answer to finite values within twice the reference's range."""
    low, high = float(expected.min()), float(expected.max())
    middle, reach = (low + high) / 2, max(high - low, abs(high), abs(low), 1e-6)
    bad = ~(np.abs(found.astype("float64") - middle) <= reach)
    fault = _fault(name, found, expected, bad, int(np.argmax(bad))) if bad.any() else ""
    return Comparison(rule=rule, count=expected.size, max_abs=None, fault=fault)


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
