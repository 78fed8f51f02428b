"""Functional graphs with operations in them that are not layers."""

from __future__ import annotations

import keras
from keras import layers, ops


def make_ops_add() -> keras.Model:
    """`keras.ops.add`."""
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, layers.Dense(2)(ops.add(inputs, 1.5)))


def make_ops_exp() -> keras.Model:
    """`keras.ops.exp` and `log1p`."""
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, ops.log1p(ops.exp(layers.Dense(2)(inputs))))


def make_ops_matmul() -> keras.Model:
    """`keras.ops.matmul` of two branches."""
    inputs = keras.Input((4, 3), name="x")
    turned = ops.transpose(layers.Dense(3)(inputs), (0, 2, 1))
    return keras.Model(inputs, ops.matmul(inputs, turned))


def make_ops_argmax() -> keras.Model:
    """`keras.ops.argmax`: labels are the output."""
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, ops.argmax(layers.Dense(5)(inputs), axis=-1))


def make_operators() -> keras.Model:
    """Python's operators and slices on symbolic tensors."""
    inputs = keras.Input((4,), name="x")
    hidden = layers.Dense(4)(inputs)
    return keras.Model(inputs, (hidden * 2.0 - inputs)[:, 1:] / (1.0 + inputs[:, :3] ** 2))


def make_ops_comparison() -> keras.Model:
    """`where` and a comparison, which is an output of booleans too."""
    inputs = keras.Input((4,), name="x")
    hidden = layers.Dense(4)(inputs)
    positive = hidden > 0
    return keras.Model(inputs, {"is_positive": positive, "kept": ops.where(positive, hidden, -1.0)})


def make_ops_shape() -> keras.Model:
    """`reshape`, `concatenate`, `stack` and `mean`."""
    inputs = keras.Input((6,), name="x")
    grid = ops.reshape(layers.Dense(6)(inputs), (-1, 2, 3))
    return keras.Model(inputs, ops.mean(ops.stack([grid, ops.concatenate([grid])], axis=1), axis=2))


def make_ops_image() -> keras.Model:
    """`keras.ops.image.resize` and a depthwise 7×7 convolution, as in ConvNeXt."""
    inputs = keras.Input((8, 8, 2), name="x")
    hidden = layers.DepthwiseConv2D(7, padding="same")(inputs)
    return keras.Model(inputs, ops.image.resize(hidden, (4, 4)))


def make_ops_nested() -> keras.Model:
    """An operation inside a submodel only."""
    inner_inputs = keras.Input((4,))
    inner = keras.Model(inner_inputs, ops.sin(inner_inputs))
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, layers.Dense(2)(inner(inputs)))
