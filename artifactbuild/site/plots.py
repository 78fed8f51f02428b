"""Small plots: how a weight's numbers are spread, how far a format's answers are off."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from artifactbuild.release.record import Check, Histogram

WIDTH, HEIGHT = 128.0, 26.0
"""Size of a histogram."""

LENGTH = 260.0
"""Length of the axis of errors, with what stands left of it for 0."""

ZERO, START, END = 8.0, 32.0, 244.0
"""Where 0 stands, and where the decades start and end."""

MOST_DECADES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bin: its left edge, its top, its height."""

    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A logarithmic axis of whole decades, and 0 left of it."""

    first: int
    last: int

    def place(self, value: float) -> float:
        """Return where a value stands; what is off the axis stands at its end."""
        if not value > 0:
            return ZERO
        share = (math.log10(value) - self.first) / (self.last - self.first)
        return START + (END - START) * min(max(share, 0.0), 1.0)

    @property
    def decades(self) -> tuple[int, ...]:
        """Exponents of the decades."""
        return tuple(range(self.first, self.last + 1))

    @property
    def labelled(self) -> tuple[int, ...]:
        """Exponents that are written: every one, or so many that they do not touch."""
        step = -(-(self.last - self.first) // 6) or 1
        return tuple(range(self.first, self.last + 1, step))


def bars(histogram: Histogram) -> tuple[Bar, ...]:
    """Return the bars of a histogram; a bin that is not empty can be seen."""
    most, step = max(histogram.counts, default=0), WIDTH / max(len(histogram.counts), 1)
    heights = [max(count / most * HEIGHT, 1.0) if count else 0.0 for count in histogram.counts]
    return tuple(
        Bar(x=place * step, y=HEIGHT - height, height=height)
        for place, height in enumerate(heights)
        if height
    )


def zero(histogram: Histogram) -> float | None:
    """Return where 0 stands under a histogram, if it is between the ends."""
    if not histogram.low < 0 < histogram.high:
        return None
    return -histogram.low / (histogram.high / 2 - histogram.low / 2) / 2 * WIDTH


def measured(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks that measured how far numbers are off."""
    return tuple(check for check in checks if check.max_abs is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """How far the answers of loaders were off that were alike in this."""

    loaders: tuple[str, ...]
    against: str
    difference: float
    bound: float | None
    passed: bool


def errors(checks: Iterable[Check]) -> tuple[Error, ...]:
    """Return the errors that loaders were found with, those that are alike as one."""
    alike: dict[tuple[str, float, float | None, bool], list[str]] = {}
    for check in measured(checks):
        if check.max_abs is not None and check.loader != "model":
            key = (check.against, check.max_abs, check.bound, check.passed)
            alike.setdefault(key, []).append(check.loader)
    return tuple(
        Error(
            loaders=tuple(dict.fromkeys(names)),
            against=against,
            difference=difference,
            bound=bound,
            passed=passed,
        )
        for (against, difference, bound, passed), names in alike.items()
    )


def axis(checks: Iterable[Check]) -> Axis:
    """Return an axis that all differences and bounds are on."""
    found = [v for c in measured(checks) for v in (c.max_abs, c.bound) if v is not None]
    exponents = [math.floor(math.log10(v)) for v in found if 0 < v < math.inf]
    if not exponents:
        return Axis(first=-8, last=0)
    last = max(exponents) + 1
    return Axis(first=max(min(exponents), last - MOST_DECADES), last=last)
