"""The user's own classes and functions, of every sort that Keras takes."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

register = keras.saving.register_keras_serializable("kinds")


@register
class Scaled(layers.Layer):
    """Multiplies by a weight."""

    def __init__(self, scale: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, shape):
        start = keras.initializers.Constant(self.scale)
        self.factor = self.add_weight(shape=(shape[-1],), initializer=start, name="factor")

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


class UnregisteredScaled(Scaled):
    """The same, not in Keras' registry."""


@register
class Wrapped(layers.Layer):
    """Holds another layer, which is nested in its configuration."""

    def __init__(self, inner: layers.Layer, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs) + inputs

    def get_config(self):
        return {**super().get_config(), "inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config):
        inner = keras.saving.deserialize_keras_object(config.pop("inner"))
        return cls(inner, **config)


@register
class Counting(layers.Layer):
    """Saves an array of its own by Keras' hooks for that."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.table = np.zeros(4, "float32")

    def call(self, inputs):
        return inputs + self.table

    def save_own_variables(self, store):
        store["table"] = self.table

    def load_own_variables(self, store):
        self.table = np.array(store["table"])


@register
class RawOffset(layers.Layer):
    """Adds a `tf.Variable` that Keras does not know of."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.offset = tf.Variable([0.0, 0.0, 0.0, 0.0])

    def call(self, inputs):
        return inputs + self.offset


@register
class OwnModel(keras.Model):
    """A functional model with a class of its own."""


@register
class WeightedLoss(keras.losses.Loss):
    """A squared error with a weight."""

    def __init__(self, weight: float = 1.0, name="weighted", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.weight = weight

    def call(self, y_true, y_pred):
        return self.weight * ops.mean((y_true - y_pred) ** 2, axis=-1)

    def get_config(self):
        return {"weight": self.weight, "name": self.name, "reduction": self.reduction}


@register
class LargestError(keras.metrics.Metric):
    """The largest error seen."""

    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.largest = self.add_variable(shape=(), initializer="zeros", name="largest")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(ops.maximum(self.largest, ops.max(ops.abs(y_true - y_pred))))

    def result(self):
        return self.largest


@register
def bent(x):
    """Return a smooth step."""
    return ops.tanh(x) * ops.sigmoid(2 * x)


@register
def cubed(y_true, y_pred):
    """Return the cubed error."""
    return ops.mean(ops.abs(y_true - y_pred) ** 3, axis=-1)


def doubled(x):
    """Return twice the input; not registered."""
    return 2.0 * x


@register
class Ramp(keras.initializers.Initializer):
    """Begins with a ramp."""

    def __init__(self, top: float = 1.0):
        self.top = top

    def __call__(self, shape, dtype=None, **kwargs):
        size = int(np.prod(shape))
        return ops.cast(ops.reshape(ops.linspace(-self.top, self.top, size), shape), dtype)

    def get_config(self):
        return {"top": self.top}


@register
class Clipped(keras.constraints.Constraint):
    """Keeps weights within a bound."""

    def __init__(self, bound: float = 1.0):
        self.bound = bound

    def __call__(self, w):
        return ops.clip(w, -self.bound, self.bound)

    def get_config(self):
        return {"bound": self.bound}


@register
class Pull(keras.regularizers.Regularizer):
    """Pulls weights towards a value."""

    def __init__(self, towards: float = 0.0):
        self.towards = towards

    def __call__(self, x):
        return ops.sum((x - self.towards) ** 2) * 1e-3

    def get_config(self):
        return {"towards": self.towards}


@register
class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """Halves the rate every so many steps."""

    def __init__(self, rate: float = 0.1, steps: int = 10):
        self.rate, self.steps = rate, steps

    def __call__(self, step):
        return self.rate * 0.5 ** (ops.cast(step, "float32") / self.steps)

    def get_config(self):
        return {"rate": self.rate, "steps": self.steps}
