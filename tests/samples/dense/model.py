"""A plain model, built and compiled, not trained."""

import keras


def make_model(units: int = 2) -> keras.Model:
    """Return a model (batch, 4) float32 -> (batch, units) float32."""
    inputs = keras.Input((4,), name="x")
    outputs = keras.layers.Dense(units, name="y")(inputs)
    model = keras.Model(inputs, outputs, name="dense")
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    return model
