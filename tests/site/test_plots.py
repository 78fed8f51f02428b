from __future__ import annotations

from dataclasses import replace

import pytest

from artifactbuild.site import plots
from tests.site.records import EXACT, SPREAD, check


def test_bars_are_as_high_as_their_counts_and_never_vanish() -> None:
    found = plots.bars(replace(SPREAD, counts=(1000, 0, 1, 500)))
    assert [(bar.x, bar.height) for bar in found] == [(0.0, 26.0), (64.0, 1.0), (96.0, 13.0)]
    assert plots.bars(replace(SPREAD, counts=())) == ()


def test_zero_is_marked_where_it_is() -> None:
    assert plots.zero(SPREAD) == plots.WIDTH / 4
    assert plots.zero(replace(SPREAD, low=0.5)) is None
    assert plots.zero(replace(SPREAD, low=-1.7e308, high=1.7e308)) == plots.WIDTH / 2


def test_axis_has_every_difference_and_bound() -> None:
    axis = plots.axis([check("a", "eager"), check("b", "graph", max_abs=0.0, bound=0.02)])
    assert (axis.first, axis.last) == (-7, -1)
    assert axis.place(0.0) == plots.ZERO
    assert axis.place(1e-7) == plots.START
    assert axis.place(1e-1) == plots.END
    assert plots.START < axis.place(1e-4) < plots.END


@pytest.mark.parametrize("value", [float("inf"), 1e300, 1e-300, float("nan"), -1.0])
def test_what_is_off_the_axis_stays_on_the_drawing(value: float) -> None:
    axis = plots.axis([check("a", "eager")])
    assert plots.ZERO <= axis.place(value) <= plots.END


def test_axis_of_nothing_but_zeros() -> None:
    axis = plots.axis([check("a", "eager", max_abs=0.0, bound=0.0)])
    assert (axis.first, axis.last) == (-8, 0)


def test_axis_is_never_too_long() -> None:
    axis = plots.axis([check("a", "eager", max_abs=1e-300, bound=1e300)])
    assert len(axis.decades) == plots.MOST_DECADES + 1
    assert len(axis.labelled) <= 8


def test_loaders_that_were_alike_share_a_row() -> None:
    found = plots.errors(
        [
            check("model", "graph"),
            check("keras", "eager", max_abs=0.0, bound=0.0, **EXACT),
            check("tfsm", "eager", max_abs=0.0, bound=0.0, **EXACT),
            check("tfsm", "graph", max_abs=1e-7),
            check("keras", "model", compared="seed variables", max_abs=None),
        ]
    )
    assert [(each.loaders, each.against) for each in found] == [
        (("keras", "tfsm"), "eager"),
        (("tfsm",), "graph"),
    ]
