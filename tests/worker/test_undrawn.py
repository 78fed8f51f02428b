"""Models made to be filled: nothing is drawn for nothing, all else starts as it always does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from artifactbuild.worker.undrawn import undrawn

Initializer = keras.initializers.Initializer


class Own(keras.initializers.RandomNormal):
    """An initializer of a user, of which nothing is known."""


def started(initializer: Initializer | str) -> np.ndarray[Any, Any]:
    return np.asarray(keras.Variable(initializer, shape=(64, 8), name="v").value)


@pytest.mark.parametrize("name", ["glorot_uniform", "he_normal", "random_normal", "orthogonal"])
def test_what_is_drawn_without_a_seed_starts_at_zero(name: str) -> None:
    assert not undrawn(lambda: started(name)).any()
    assert started(name).any(), "it ends with the call"


def test_what_is_drawn_with_a_seed_is_drawn() -> None:
    initializer = keras.initializers.RandomNormal(seed=3)
    found = undrawn(lambda: started(initializer))
    assert np.array_equal(found, started(initializer))
    assert found.any()


@pytest.mark.parametrize("initializer", [Own(), "ones", lambda shape, dtype: tf.fill(shape, 2.0)])
def test_what_is_not_of_keras_or_not_random_starts_as_always(initializer: Initializer) -> None:
    assert undrawn(lambda: started(initializer)).all()


def test_zeros_are_shared_until_they_are_changed() -> None:
    one, other, third = undrawn(
        lambda: [keras.Variable("glorot_uniform", shape=(4, 4), name=name) for name in "abc"]
    )
    one.assign_add(np.ones((4, 4)))
    other.value.scatter_nd_update([[0, 0]], [5.0])
    assert np.asarray(one.value).sum() == 16
    assert np.asarray(other.value).sum() == 5
    assert not np.asarray(third.value).any()


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16", "float64"])
def test_layers_of_every_precision_are_made(policy: str) -> None:
    layer = keras.layers.Dense(3, dtype=policy)
    answered = undrawn(lambda: layer(np.ones((2, 4))))
    assert layer.kernel.dtype == layer.variable_dtype
    assert not np.asarray(answered, "float32").any()


def test_models_of_all_kinds_are_made_without_drawing() -> None:
    class Subclassed(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = keras.layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.inner(x)

    def functional() -> keras.Model:
        inputs = keras.Input((5, 4))
        return keras.Model(inputs, keras.layers.LSTM(6, unit_forget_bias=False)(inputs))

    def subclassed() -> keras.Model:
        model = Subclassed()
        model(np.ones((2, 4)))
        return model

    def sequential() -> keras.Model:
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])

    models = [undrawn(make) for make in (functional, sequential, subclassed)]
    for weight in (weight for model in models for weight in model.weights):
        assert not np.asarray(weight.value).any(), weight.path


def test_what_is_built_in_a_graph_does_not_share_with_what_is_not() -> None:
    layers = [keras.layers.Dense(3) for _ in range(3)]

    def make() -> None:
        for layer in layers[:2]:
            tf.function(layer)(tf.ones((2, 4)))
        layers[2].build((None, 4))

    undrawn(make)
    assert all(layer.kernel.shape == (4, 3) for layer in layers)
    assert not np.asarray(layers[2].kernel.value).any()


class Inverting(keras.layers.Layer):
    """A layer that cannot be built of zeros."""

    def build(self, shape: Any) -> None:
        self.matrix = self.add_weight(shape=(4, 4), initializer="orthogonal", name="matrix")
        tf.linalg.inv(self.matrix.value)

    def call(self, x: Any) -> Any:
        return x @ self.matrix


def test_what_cannot_be_built_of_zeros_is_made_as_always(tmp_path: Path) -> None:
    path, known = tmp_path / "model.keras", {"Inverting": Inverting}
    model = keras.Sequential([keras.Input((4,)), Inverting()])
    model.save(path)
    restored = undrawn(lambda: keras.saving.load_model(path, custom_objects=known))
    assert np.array_equal(restored.weights[0].value, model.weights[0].value)


def test_what_cannot_be_made_raises_what_it_does_as_always() -> None:
    def make() -> None:
        raise ValueError("said once")

    with pytest.raises(ValueError, match="said once") as raised:
        undrawn(make)
    assert raised.value.__context__ is None
