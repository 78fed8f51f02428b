"""The model of the kept records: dropout, so that it has a seed, and an optimizer."""

import keras


def make_model() -> keras.Model:
    """Return a model (batch, 4) float32 -> (batch, 2) float32."""
    inputs = keras.Input((4,), name="x")
    hidden = keras.layers.Dropout(0.5, name="dropout")(inputs)
    outputs = keras.layers.Dense(2, name="y")(hidden)
    model = keras.Model(inputs, outputs, name="dense")
    model.compile(optimizer="sgd", loss="mse")
    return model
