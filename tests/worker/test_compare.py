"""What a comparison says of how far outputs are, and of how far they may be there."""

from __future__ import annotations

import numpy as np

from artifactbuild.manifest.rules import Rule
from artifactbuild.worker.compare import compare

RULE = Rule(compare="allclose", atol=0.5, rtol=0.1, source="validation.tolerance")


def test_bound_is_that_of_the_value_which_is_farthest_off() -> None:
    expected = {"y": np.array([1.0, 10.0, -20.0]), "z": np.array([100.0])}
    found = {"y": np.array([1.0, 11.0, -20.5]), "z": np.array([100.25])}
    comparison = compare(found, expected, dict.fromkeys(expected, RULE))
    assert (comparison.max_abs, comparison.bound, comparison.fault) == (1.0, 1.5, "")


def test_exact_comparison_allows_nothing() -> None:
    arrays = {"y": np.array([1.0, 2.0])}
    comparison = compare(arrays, arrays)
    assert (comparison.max_abs, comparison.bound) == (0.0, 0.0)


def test_no_number_has_no_bound() -> None:
    found, expected = {"y": np.array([np.nan])}, {"y": np.array([1.0])}
    comparison = compare(found, expected, {"y": RULE})
    assert (comparison.max_abs, comparison.bound) == (None, None)
    assert comparison.fault
