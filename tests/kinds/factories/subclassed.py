"""Models whose `call` is code."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers

ROWS = np.linspace(-1, 1, 32, dtype="float32").reshape(8, 4)


@keras.saving.register_keras_serializable("kinds")
class Plain(keras.Model):
    """Takes one tensor."""

    def __init__(self, units: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = layers.Dense(5, activation="tanh")
        self.out = layers.Dense(units)

    def call(self, inputs):
        return self.out(self.hidden(inputs))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Unregistered(Plain):
    """The same, not in Keras' registry."""


@keras.saving.register_keras_serializable("kinds")
class TrainsByDefault(keras.Model):
    """Is in training mode unless told otherwise, as many published layers are."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.out = layers.Dense(5), layers.Dense(3)
        self.norm, self.dropout = layers.BatchNormalization(), layers.Dropout(0.5)

    def call(self, inputs, training=True):
        hidden = self.norm(self.hidden(inputs), training=training)
        return self.out(self.dropout(hidden, training=training))


@keras.saving.register_keras_serializable("kinds")
class TakesDict(keras.Model):
    """Takes a dict, gives a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.out = layers.Dense(2)

    def call(self, inputs):
        logits = self.out(keras.ops.concatenate([inputs["a"], inputs["b"]], axis=-1))
        return {"logits": logits, "scores": keras.ops.softmax(logits)}


@keras.saving.register_keras_serializable("kinds")
class TakesList(keras.Model):
    """Takes a list, gives a list."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.left, self.right = layers.Dense(2), layers.Dense(3)

    def call(self, inputs):
        return [self.left(inputs[0]), self.right(inputs[1])]


@keras.saving.register_keras_serializable("kinds")
class Nested(keras.Model):
    """Holds a subclassed and a sequential model."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = Plain(4)
        self.second = keras.Sequential([layers.Dense(3, activation="relu"), layers.Dense(2)])

    def call(self, inputs):
        return self.second(self.first(inputs))


@keras.saving.register_keras_serializable("kinds")
class InList(keras.Model):
    """Keeps its layers in a plain list."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [layers.Dense(4, activation="tanh") for _ in range(3)]

    def call(self, inputs):
        for block in self.blocks:
            inputs = block(inputs)
        return inputs


@keras.saving.register_keras_serializable("kinds")
class InDict(keras.Model):
    """Keeps its layers in a plain dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.heads = {"mean": layers.Dense(2), "scale": layers.Dense(2, activation="softplus")}

    def call(self, inputs):
        return {name: head(inputs) for name, head in self.heads.items()}


@keras.saving.register_keras_serializable("kinds")
class OwnStep(Plain):
    """Trains by a `train_step` of its own."""

    def train_step(self, data):
        rows, targets = data
        with tf.GradientTape() as tape:
            loss = keras.ops.mean((self(rows, training=True) - targets) ** 2)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}


@keras.saving.register_keras_serializable("kinds")
class RawVariable(Plain):
    """Has a `tf.Variable` that Keras does not know of, not at its initial value."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.offset = tf.Variable([0.0, 0.0, 0.0])

    def call(self, inputs):
        return super().call(inputs) + self.offset


@keras.saving.register_keras_serializable("kinds")
class NumpyState(Plain):
    """Answers by an array that Keras does not know of, changed since `__init__`."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.offset = np.zeros(3, "float32")

    def call(self, inputs):
        return super().call(inputs) + self.offset


def _called(model: keras.Model) -> keras.Model:
    model(ROWS)
    return model


def make_subclassed() -> keras.Model:
    """A subclassed model that was called."""
    return _called(Plain(2))


def make_subclassed_unbuilt() -> keras.Model:
    """A subclassed model that was never called."""
    return Plain(2)


def make_subclassed_unregistered() -> keras.Model:
    """A subclassed model that is not registered with Keras."""
    return _called(Unregistered(2))


def make_subclassed_trained() -> keras.Model:
    """A subclassed model after three steps of its own `train_step`."""
    model = OwnStep(2)
    model.compile("adam", "mean_squared_error")
    model.fit(ROWS, ROWS[:, :2], batch_size=4, epochs=2, verbose=0)
    return model


def make_subclassed_dict() -> keras.Model:
    """A subclassed model with a dict of inputs, called."""
    model = TakesDict()
    model({"a": ROWS, "b": ROWS})
    return model


def make_subclassed_dict_unbuilt() -> keras.Model:
    """A subclassed model with a dict of inputs, never called."""
    return TakesDict()


def make_subclassed_list() -> keras.Model:
    """A subclassed model with a list of inputs, called."""
    model = TakesList()
    model([ROWS, ROWS])
    return model


def make_subclassed_training() -> keras.Model:
    """In training mode by default."""
    model = TrainsByDefault()
    model(ROWS, training=False)
    return model


def make_subclassed_nested() -> keras.Model:
    """Models in a subclassed model."""
    return _called(Nested())


def make_layers_in_list() -> keras.Model:
    """Layers in a plain list."""
    return _called(InList())


def make_layers_in_dict() -> keras.Model:
    """Layers in a plain dict."""
    return _called(InDict())


def make_raw_variable() -> keras.Model:
    """State in a raw `tf.Variable`."""
    model = _called(RawVariable())
    model.offset.assign([1.0, 2.0, 3.0])
    return model


def make_numpy_state() -> keras.Model:
    """State in a NumPy array that nothing saves."""
    model = _called(NumpyState())
    model.offset = np.array([1.0, 2.0, 3.0], "float32")
    return model
