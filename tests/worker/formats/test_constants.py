"""Constants that processors differ in: worked out to the nearest number, wherever it is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from artifactbuild.pipeline import Outcome
from artifactbuild.worker.formats import constants, graphs
from tests.worker.formats import projects
from tests.worker.formats.projects import case

Build = Callable[[Path], Outcome]

NORMALIZED = """
def make_model():
    inputs = keras.Input((64,), name="x")
    normalization = layers.BatchNormalization()
    model = keras.Model(inputs, normalization(inputs))
    variance = np.arange(1, 65, dtype="float32") / 7
    normalization.set_weights([np.ones(64), np.zeros(64), np.zeros(64), variance])
    return model
"""
VALUES = (np.arange(1, 1025, dtype="float32") / 1024).reshape(32, 32)
SIGNS = np.where(np.arange(1024).reshape(32, 32) % 3, VALUES, -VALUES)


def rounded(number: Any) -> Any:
    """Round a number of more bits than float64 has to float32."""
    return np.asarray(number, np.longdouble).astype(np.float32)


def traced(function: Callable[..., Any], **arrays: Any) -> tuple[Any, Any]:
    """Trace a function of an input and variables; return it with what keeps the variables."""
    held = {name: tf.Variable(array) for name, array in arrays.items()}

    def serving(**named: Any) -> dict[str, Any]:
        return {"z": named["b"] * 1.0, "y": named["a"] + function(**held)}

    specs = {name: tf.TensorSpec([None, 32], name=name) for name in ("b", "a")}
    return tf.function(serving, autograph=False).get_concrete_function(**specs), held


def answer(function: Any) -> Any:
    zeros = tf.zeros([32, 32])
    return function(b=zeros, a=zeros)["y"].numpy()


@pytest.mark.parametrize(
    ("function", "exact"),
    [
        (lambda v: tf.math.rsqrt(v + 0.001), lambda v: 1 / np.sqrt(v)),
        (lambda v: tf.math.reciprocal(v + 0.001), lambda v: 1 / v),
    ],
)
def test_numbers_are_the_nearest(function: Any, exact: Any) -> None:
    serving, _held = traced(function, v=VALUES)
    settled = constants.settled(serving)
    expected = rounded(exact((VALUES + np.float32(0.001)).astype(np.longdouble)))
    assert np.array_equal(answer(settled), expected)
    assert np.allclose(answer(serving), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: tf.matmul(a, b),
        lambda a, b: tf.matmul(a, b, transpose_a=True),
        lambda a, b: tf.matmul(a, b, transpose_b=True),
        lambda a, b: tf.reshape(
            tf.matmul(tf.reshape(a, [4, 16, 16]), tf.reshape(b, [4, 16, 16])), [32, 32]
        ),
        lambda a, b: tf.reshape(
            tf.matmul(tf.reshape(a, [4, 16, 16]), tf.reshape(b, [4, 16, 16]), adjoint_b=True),
            [32, 32],
        ),
    ],
)
def test_products_are_the_nearest(function: Any) -> None:
    serving, _held = traced(function, a=VALUES, b=SIGNS)
    exact = function(tf.constant(VALUES, tf.float64), tf.constant(SIGNS, tf.float64)).numpy()
    assert np.array_equal(answer(constants.settled(serving)), rounded(exact))


def test_shares_are_the_nearest() -> None:
    serving, _held = traced(tf.nn.softmax, logits=SIGNS)
    powers = np.exp(SIGNS.astype(np.longdouble))
    expected = rounded(powers / powers.sum(axis=-1, keepdims=True))
    assert np.array_equal(answer(constants.settled(serving)), expected)


def test_no_operation_that_processors_differ_in_is_left_to_them() -> None:
    def function(v: Any, w: Any) -> Any:
        root = tf.math.rsqrt(tf.maximum(tf.abs(v - w) * w / v, 0.5))
        return tf.matmul(
            tf.transpose(tf.squeeze(tf.expand_dims(root, 0), [0])), tf.math.reciprocal(root)
        )

    serving, _held = traced(function, v=VALUES, w=SIGNS)
    frozen = convert_variables_to_constants_v2(constants.settled(serving))
    assert {each.op for each in graphs.operations(frozen)} <= {
        *("Placeholder", "Const", "Identity", "Mul", "AddV2", "NoOp"),
    }
    names = sorted(tensor.name for tensor in constants.settled(serving).inputs[:2])
    assert names == ["a:0", "b:0"]


@pytest.mark.parametrize(
    "function",
    [
        lambda v: v + 1.0,
        lambda v: tf.math.exp(v),
        lambda v: tf.math.rsqrt(tf.math.exp(v)),
    ],
    ids=["alike", "not among them", "of an operation that is not known"],
)
def test_other_graphs_are_left_alone(function: Any) -> None:
    serving, _held = traced(function, v=VALUES)
    assert constants.settled(serving) is serving


def test_what_depends_on_inputs_is_left_alone() -> None:
    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 32], name="a")])
    def serving(a: Any) -> Any:
        return {"y": tf.math.rsqrt(a)}

    traced = serving.get_concrete_function()
    assert constants.settled(traced) is traced


def test_files_hold_the_nearest_numbers(project: Path, build: Build) -> None:
    rows = case("{normal: true, shape: [8, 64]}")
    manifest = projects.project(project, NORMALIZED, "[tflite, onnx]", rows)
    build(manifest)
    variance = np.arange(1, 65, dtype="float32") / np.float32(7)
    exact = (variance + np.float32(0.001)).astype(np.longdouble)
    expected = rounded(1 / np.sqrt(exact))
    for file in ("tflite/v1/model.tflite", "onnx/v1/model.onnx"):
        content = (manifest.parent / "artifacts" / "sample" / file).read_bytes()
        assert expected.tobytes() in content, file
