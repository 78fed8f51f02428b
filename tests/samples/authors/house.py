"""A module of its own: a functional model, compiled and trained."""

import keras
import numpy as np


def make_model() -> keras.Model:
    """The price of a house from three numbers; "price" is in thousands."""
    size = keras.Input((3,), name="features")
    hidden = keras.layers.Dense(4, activation="tanh", name="hidden")(size)
    model = keras.Model(size, keras.layers.Dense(1, name="price")(hidden))
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    rows = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)
    print("training on", len(rows), "houses")
    model.fit(rows, rows.sum(axis=1, keepdims=True), epochs=1, verbose=0)
    return model
