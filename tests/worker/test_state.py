"""A model's state, as it is known again within one build."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from artifactbuild.worker import state

SIZES = {"small": 8, "large": state.LARGE // 4}


def model_of(values: np.ndarray) -> keras.Model:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(values.size, use_bias=False)])
    model.weights[0].assign(values.reshape(1, -1))
    return model


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_equal_bytes_are_known_again(size: int) -> None:
    values = np.linspace(-1, 1, size, dtype="float32")
    assert [each.mark for each in state.seen(model_of(values))] == [
        each.mark for each in state.seen(model_of(values.copy()))
    ]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("place", [0, 5, -1])
def test_one_other_bit_is_noticed(size: int, place: int) -> None:
    values = np.linspace(-1, 1, size, dtype="float32")
    changed = values.copy()
    changed.view("uint32")[place] ^= 1
    before, after = state.seen(model_of(values)), state.seen(model_of(changed))
    assert before[0].mark != after[0].mark


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_swapped_values_and_the_sign_of_zero_are_noticed(size: int) -> None:
    values = np.zeros(size, "float32")
    values[1] = 1.0
    swapped, signed = values[::-1].copy(), values.copy()
    signed[2] = -0.0
    marks = {state.seen(model_of(each))[0].mark for each in (values, swapped, signed)}
    assert len(marks) == 3


class Twins(keras.layers.Layer):
    """A layer of two large variables with the same numbers."""

    def __init__(self, held: str) -> None:
        super().__init__()
        self.held = held

    def build(self, shape: Any) -> None:
        for name in "ab":
            variable = self.add_weight(
                shape=(state.LARGE,), dtype=self.held, name=name, trainable=False
            )
            variable.assign(np.arange(state.LARGE) % 2)

    def call(self, x: Any) -> Any:
        return x


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int8", "uint32", "bool"])
def test_large_variables_of_every_dtype_are_known_again(dtype: str) -> None:
    inputs = keras.Input((1,))
    one, same = state.seen(keras.Model(inputs, Twins(dtype)(inputs)))
    assert (one.dtype, one.mark) == (dtype, same.mark)
    assert len(one.mark) == 16, "the fingerprint has 64 bits"
