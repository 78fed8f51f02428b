"""Ranges of int8: the same for calibrations that differ in their last bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

from artifactbuild.worker.formats import calibration


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, (0.0, 1.0)),
        (0.0, 0.9999999, (0.0, 1.0)),
        (0.0, 1.0000001, (0.0, 1.0)),
        (-1e-9, 6.0000005, (0.0, 6.0)),
        (-1e-3, 5.0, (-0.0625, 5.0)),
        (-8.0, 7.9999995, (-8.0, 8.0)),
        (-0.1, 5.95, (-0.125, 6.0)),
        (0.5, 0.7, (0.5, 0.703125)),
        (0.0, 0.0, (0.0, 0.0)),
    ],
)
def test_ends_are_multiples_of_a_power_of_two(
    low: float, high: float, expected: tuple[float, float]
) -> None:
    assert calibration.widened(np.float32(low), np.float32(high)) == expected


def test_ranges_are_widened_by_little() -> None:
    source = np.random.default_rng(1)
    ends = np.sort(source.normal(0, 3, (2, 10_000)).astype("float32"), axis=0)
    low, high = calibration.widened(*ends)
    largest = np.abs(ends).max(axis=0)
    spare = calibration.SPARE * 2 * largest
    assert np.all((low <= ends[0] + spare) & (high >= ends[1] - spare))
    assert np.all(ends[0] - low <= largest / 64)
    assert np.all(high - ends[1] <= largest / 64)


def test_ranges_close_by_are_settled_alike() -> None:
    source = np.random.default_rng(2)
    low, high = np.sort(source.normal(0, 3, (2, 100_000)).astype("float32"), axis=0)
    high = high.astype("float64")
    differ = calibration.widened(low, high)[1] != calibration.widened(low, high * (1 + 3e-7))[1]
    assert np.mean(differ) < 1e-4


@pytest.fixture(scope="module")
def calibrated() -> bytes:
    """Give a calibrated model, as TFLite's calibrator leaves it."""
    rows = np.random.default_rng(3).normal(size=(16, 8)).astype("float32")
    kernel = tf.constant(np.random.default_rng(4).normal(size=(8, 4)).astype("float32"))

    @tf.function(input_signature=[tf.TensorSpec([None, 8])])
    def function(x: Any) -> Any:
        return tf.nn.relu(tf.matmul(x, kernel)) * 0.3

    def samples() -> Iterator[list[Any]]:
        yield [rows]

    traced = function.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], tf.Module())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter._experimental_calibrate_only = True
    return bytes(converter.convert())


def moved(content: bytes, move: Callable[[Any], Any]) -> bytes:
    """Move every end of a range."""
    edited = bytearray(content)
    graph = schema.Model.GetRootAs(edited).Subgraphs(0)
    ranges = [graph.Tensors(index).Quantization() for index in range(graph.TensorsLength())]
    for each in filter(None, ranges):
        for ends in (each.MinAsNumpy(), each.MaxAsNumpy()):
            if isinstance(ends, np.ndarray):
                ends[:] = move(ends)
    return bytes(edited)


def test_calibrations_that_differ_in_their_last_bits_give_one_file(calibrated: bytes) -> None:
    others = [
        moved(calibrated, lambda ends: np.nextafter(ends, np.float32(np.inf))),
        moved(calibrated, lambda ends: ends * np.float32(1 - 3e-7)),
    ]
    assert calibrated not in others
    assert {calibration.settled(each) for each in others} == {calibration.settled(calibrated)}
    assert calibration.settled(calibrated) != calibrated
