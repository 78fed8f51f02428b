"""Histograms of weights: exact counts, every dtype, and the same bytes in any block size."""

from __future__ import annotations

import json
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from artifactbuild.data import dumps
from artifactbuild.release.record import BINS, Histogram
from artifactbuild.worker import histograms


def test_counts_are_numpys() -> None:
    array = np.random.default_rng(3).normal(size=(40, 25)).astype("float32")
    found = histograms.of_array(array)
    assert found is not None
    counts, edges = np.histogram(array, BINS)
    assert found.counts == tuple(counts)
    assert (found.low, found.high) == (float(str(edges[0])), float(str(edges[-1])))
    assert found.mean == pytest.approx(array.mean(dtype="float64"), abs=1e-6)
    assert found.deviation == pytest.approx(array.std(dtype="float64"), abs=1e-6)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([1, 2, 3], "int8"), (1.0, 3.0, 2.0, 0.816497, 0, 0)),
        (np.array([0.1, 0.0], "float32"), (0.0, 0.1, 0.05, 0.05, 1, 0)),
        (np.array([0.5, 1.0], ml_dtypes.bfloat16), (0.5, 1.0, 0.75, 0.25, 0, 0)),
        (np.array([np.nan, -np.inf, 2.0], "float32"), (2.0, 2.0, 2.0, 0.0, 0, 2)),
        (np.array([-1.7e308, 1.7e308]), (-1.7e308, 1.7e308, 0.0, 1.7e308, 0, 0)),
    ],
)
def test_figures(array: Any, expected: tuple[float, ...]) -> None:
    found = histograms.of_array(array)
    assert found is not None
    figures = (found.low, found.high, found.mean, found.deviation, found.zeros, found.not_finite)
    assert figures == expected
    assert json.loads(dumps(found))["high"] == found.high


def test_equal_numbers_have_no_bins() -> None:
    found = histograms.of_array(np.zeros((4, 4), "float32"))
    assert found == Histogram(
        low=0.0, high=0.0, mean=0.0, deviation=0.0, zeros=16, not_finite=0, counts=()
    )


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([True]), np.array([np.nan]), np.array([])]
)
def test_what_holds_no_numbers_has_none(array: Any) -> None:
    assert histograms.of_array(array) is None


def test_block_size_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.random.default_rng(4).normal(size=9999).astype("float32")
    whole = dumps(histograms.of_array(array))
    monkeypatch.setattr(histograms, "BLOCK", 7)
    assert dumps(histograms.of_array(array)) == whole
