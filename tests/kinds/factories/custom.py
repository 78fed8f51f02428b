"""Models with custom objects in every place where Keras takes one."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from factories.objects import (
    Clipped,
    Counting,
    Halving,
    LargestError,
    OwnModel,
    Pull,
    Ramp,
    RawOffset,
    Scaled,
    UnregisteredScaled,
    WeightedLoss,
    Wrapped,
    bent,
    cubed,
    doubled,
)

ROWS = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")


def _with(*chain: layers.Layer) -> keras.Model:
    inputs = hidden = keras.Input((4,), name="x")
    for layer in chain:
        hidden = layer(hidden)
    return keras.Model(inputs, layers.Dense(2)(hidden))


def _trained(optimizer="adam", loss="mean_squared_error", **options) -> keras.Model:
    model = _with(layers.Dense(5, activation="tanh"))
    model.compile(optimizer, loss, **options)
    model.fit(ROWS, ROWS[:, :2], verbose=0)
    return model


def make_custom_layer() -> keras.Model:
    """A layer that is registered."""
    return _with(Scaled(2.0))


def make_custom_layer_unregistered() -> keras.Model:
    """A layer that is not registered."""
    return _with(UnregisteredScaled(2.0))


def make_custom_layer_nested() -> keras.Model:
    """A layer in the configuration of another."""
    return _with(Wrapped(Scaled(3.0)))


def make_custom_layer_saves_itself() -> keras.Model:
    """A layer with `save_own_variables`."""
    layer = Counting()
    model = _with(layer)
    layer.table = np.array([1.0, 2.0, 3.0, 4.0], "float32")
    return model


def make_raw_variable_in_layer() -> keras.Model:
    """A layer whose state is in a raw `tf.Variable`."""
    layer = RawOffset()
    model = _with(layer)
    layer.offset.assign([1.0, 2.0, 3.0, 4.0])
    return model


def make_custom_model() -> keras.Model:
    """A functional model of a registered class."""
    inputs = keras.Input((4,), name="x")
    return OwnModel(inputs, layers.Dense(2)(inputs))


def make_custom_activation() -> keras.Model:
    """An activation function that is registered."""
    return _with(layers.Dense(5, activation=bent))


def make_custom_activation_unregistered() -> keras.Model:
    """An activation function that is not registered."""
    return _with(layers.Dense(5, activation=doubled))


def make_custom_weights() -> keras.Model:
    """An initializer, a constraint and a regularizer."""
    ramp, clipped, pull = Ramp(0.7), Clipped(0.8), Pull(0.1)
    options = {"kernel_constraint": clipped, "kernel_regularizer": pull}
    return _with(layers.Dense(5, kernel_initializer=ramp, **options))


def make_custom_loss() -> keras.Model:
    """A loss class."""
    return _trained(loss=WeightedLoss(2.0))


def make_custom_loss_function() -> keras.Model:
    """A loss function."""
    return _trained(loss=cubed)


def make_custom_metric() -> keras.Model:
    """A metric class."""
    return _trained(metrics=[LargestError()])


def make_custom_schedule() -> keras.Model:
    """A learning-rate schedule."""
    return _trained(keras.optimizers.Adam(Halving(0.05)))


def make_lambda_named() -> keras.Model:
    """Lambda of a named function."""
    return _with(layers.Lambda(doubled))


def make_lambda_lambda() -> keras.Model:
    """Lambda of a lambda."""
    return _with(layers.Lambda(lambda x: x * 3.0))


def make_lambda_loss() -> keras.Model:
    """A loss that is a lambda."""
    return _trained(loss=lambda y_true, y_pred: ops.mean((y_true - y_pred) ** 2, axis=-1))
