"""A small network that every format can hold, trained where threads and kernels would show."""

import keras
import numpy as np


def make_model() -> keras.Model:
    """Return a model (batch, 6, 6, 1) float32 -> (batch, 3) float32, trained for two epochs."""
    image = keras.Input((6, 6, 1), name="image")
    x = keras.layers.Conv2D(4, 3, activation="gelu")(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.2)(keras.layers.Flatten()(x))
    model = keras.Model(image, keras.layers.Dense(3, name="y")(x))
    model.compile("adam", loss="mse")
    random = np.random.default_rng(0)
    images = random.normal(size=(64, 6, 6, 1)).astype("float32")
    model.fit(images, images[:, 0, :3, 0], batch_size=16, epochs=2, verbose=0)
    return model
