"""Models that make TensorFlow write what it counts: gradients, branches, loops, tables, traces."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable("canonical")
class Steep(layers.Layer):
    """A layer with gradients of its own, one in a function that is traced by itself."""

    def call(self, inputs):
        return self._twice(_steep(inputs))

    @tf.function
    def _twice(self, inputs):
        return _steep(inputs) * 2.0


@tf.custom_gradient
def _steep(x):
    def gradient(upstream):
        return upstream * 5.0 * tf.cos(x)

    return tf.sin(x), gradient


@keras.saving.register_keras_serializable("canonical")
class Branch(layers.Layer):
    """A layer with a condition, nested, and a custom gradient in a branch."""

    def call(self, inputs):
        def outer():
            return tf.cond(tf.reduce_max(inputs) > 1.0, lambda: tf.nn.silu(inputs), lambda: -inputs)

        return tf.cond(tf.reduce_sum(inputs) > 0.0, outer, lambda: inputs * 3.0)


@keras.saving.register_keras_serializable("canonical")
class Loops(layers.Layer):
    """A layer with loops: one within another, over tensors, and `map_fn`."""

    def call(self, inputs):
        def outer(index, x):
            _, y = tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, tf.nn.silu(y)), (0, x))
            return index + 1, y + tf.cast(index, y.dtype)

        _, looped = tf.while_loop(lambda index, _: index < 3, outer, (0, inputs))
        return tf.map_fn(lambda row: row * tf.reduce_max(row), looped)


@keras.saving.register_keras_serializable("canonical")
class Choice(layers.Layer):
    """A layer with a choice between branches, and a loop over tensor arrays."""

    def call(self, inputs):
        index = tf.cast(tf.reduce_sum(inputs) > 0.0, tf.int32)
        chosen = tf.switch_case(index, [lambda: inputs + 1.0, lambda: tf.nn.silu(inputs)])
        return keras.ops.scan(lambda total, x: (total + x, total * x), chosen[0], chosen)[1]


def _over(*chain, shape=(4,)):
    inputs = hidden = keras.Input(shape, name="x")
    for layer in chain:
        hidden = layer(hidden)
    return keras.Model(inputs, hidden)


def make_swish_gelu():
    """Activations with gradients of their own, compiled, with dropout."""
    model = _over(
        layers.Dense(8, activation="swish"),
        layers.Dropout(0.3),
        layers.Dense(8, activation="gelu"),
        layers.Dense(8, activation="mish"),
        layers.Dense(2, activation="silu"),
    )
    model.compile("adam", "mean_squared_error")
    return model


def make_steep():
    """Custom gradients, also in a traced function."""
    return _over(layers.Dense(4), Steep(), layers.Dense(2))


def make_branch():
    """Conditions."""
    return _over(layers.Dense(4), Branch(), layers.Dense(2))


def make_loops():
    """Loops in loops, with a custom gradient inside."""
    return _over(layers.Dense(4), Loops(), layers.Dense(2))


def make_choice():
    """A choice of branches, and a scan."""
    return _over(layers.Dense(4), Choice())


def make_swish_in_loop():
    """A recurrent layer whose loop holds a custom gradient, masked."""
    return _over(
        layers.Masking(),
        layers.LSTM(3, activation="swish", return_sequences=True),
        layers.GRU(3, activation="silu", reset_after=False),
        shape=(5, 3),
    )


def make_tables():
    """Two vocabularies, one of words and one of numbers, and a text beside them."""
    words, numbers = (
        keras.Input((2,), dtype="string", name="a"),
        keras.Input((2,), dtype="int64", name="b"),
    )
    a = layers.StringLookup(vocabulary=["red", "green", "blue"], output_mode="multi_hot")
    b = layers.IntegerLookup(output_mode="multi_hot")
    b.adapt(np.array([[1, 2], [3, 4], [1, 2]]))
    joined = layers.Concatenate()([a(words), b(numbers)])
    return keras.Model([words, numbers], layers.Dense(2)(joined))


def make_conv_lstm_attention():
    """ConvLSTM, then attention."""
    inputs = keras.Input((3, 5, 5, 2), name="x")
    x = layers.ConvLSTM2D(3, 2, return_sequences=True)(inputs)
    x = layers.Reshape((3, 48))(x)
    x = layers.MultiHeadAttention(2, 4)(x, x)
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(x))


def make_stateful():
    """A recurrent layer that keeps its state between calls."""
    inputs = keras.Input((5, 3), batch_size=2, name="x")
    return keras.Model(inputs, layers.GRU(4, stateful=True)(inputs))


def make_signatures():
    """A model with a further signature, which calls it twice."""
    return _over(layers.Dense(4, activation="swish"), layers.Dense(2))


def doubled(model, inputs):
    """Answer for each input and for its double."""
    return {"sum": model(inputs["x"]) + tf.nn.silu(model(inputs["x"] * 2.0))}


def make_trained():
    """A recurrent model that was trained, for every format."""
    model = _over(
        layers.LSTM(4, activation="swish"), layers.Dropout(0.2), layers.Dense(2), shape=(5, 3)
    )
    model.compile("adam", "mean_squared_error")
    rows = np.random.default_rng(0).normal(size=(8, 5, 3))
    model.fit(rows, rows[:, 0, :2], epochs=2, verbose=0)
    return model


def make_shared():
    """One regularizer and one initializer of many layers, and a lambda."""
    weak, flat = keras.regularizers.L2(0.1), keras.initializers.RandomNormal(seed=3)
    same = {"kernel_regularizer": weak, "kernel_initializer": flat}
    return _over(layers.Dense(4, **same), layers.Dense(3, **same), layers.Dense(2, **same))


def make_lambda():
    """Python bytecode, with constants and a function inside."""
    return _over(
        layers.Dense(4), layers.Lambda(lambda x: (lambda y: y * 2.5)(x), output_shape=(4,))
    )


def make_groups():
    """A convolution in groups, which Keras traces in a function that it compiles."""
    return _over(
        layers.Conv2D(4, 3, strides=2, activation="swish"),
        layers.Conv2D(4, 2, groups=2),
        layers.GlobalAveragePooling2D(),
        shape=(8, 8, 2),
    )


@keras.saving.register_keras_serializable("canonical")
class FromFile(layers.Layer):
    """A table whose words come from a file beside this one."""

    def build(self, shape):
        path = str(Path(__file__).with_name("words.txt"))
        kinds = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
        initializer = tf.lookup.TextFileInitializer(path, tf.string, kinds[0], tf.int64, kinds[1])
        self.table = tf.lookup.StaticHashTable(initializer, -1)

    def call(self, inputs):
        return self.table.lookup(inputs)


def make_vocabulary():
    """Vocabularies from a file, by Keras' layer and by a layer of the project's own."""
    inputs = keras.Input((1,), dtype="string", name="x")
    lookup = layers.StringLookup(vocabulary=str(Path(__file__).with_name("words.txt")))
    return keras.Model(inputs, layers.Add()([FromFile()(inputs), lookup(inputs)]))
