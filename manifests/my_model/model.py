"""The walk-through model: a custom layer with a sublayer, a custom loss, trained with Adam."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="my_model")
class ScaledDense(keras.layers.Layer):
    """A Dense layer whose outputs are multiplied by one trainable scale."""

    def __init__(self, units: int, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.initial_scale = scale
        self.dense = keras.layers.Dense(units, activation="relu", name="dense")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.dense.build(input_shape)
        self.scale = self.add_weight(
            name="scale", initializer=keras.initializers.Constant(self.initial_scale)
        )

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs) * self.scale

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "scale": self.initial_scale}


@keras.saving.register_keras_serializable(package="my_model")
class WeightedMSE(keras.losses.Loss):
    """Mean squared error times a constant weight."""

    def __init__(
        self,
        weight: float = 1.0,
        reduction: str = "sum_over_batch_size",
        name: str = "weighted_mse",
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.weight = weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.weight * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight}


def make_model(units: int = 16) -> keras.Model:
    """Return the model, trained: features (batch, 32) float32 -> (batch, 1) float32."""
    inputs = keras.Input((32,), name="features")
    hidden = ScaledDense(units, scale=0.5, name="scaled")(inputs)
    hidden = keras.layers.Dropout(0.1, name="dropout")(hidden)
    outputs = keras.layers.Dense(1, name="target")(hidden)
    model = keras.Model(inputs, outputs, name="my_model")
    model.compile(
        optimizer=keras.optimizers.Adam(1e-2), loss=WeightedMSE(weight=2.0), metrics=["mae"]
    )
    features, targets = _training_data()
    model.fit(features, targets, batch_size=64, epochs=10, verbose=0)
    return model


def _training_data() -> tuple[np.ndarray, np.ndarray]:
    """Return 512 rows of a fixed linear rule with noise: (512, 32) and (512, 1) float32."""
    random = np.random.default_rng(2026)
    features = random.uniform(-1.0, 1.0, (512, 32)).astype("float32")
    rule = np.linspace(-1.0, 1.0, 32, dtype="float32")[:, None]
    noise = random.normal(0.0, 0.05, (512, 1)).astype("float32")
    return features, features @ rule + noise
