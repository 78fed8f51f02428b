"""A factory that closes every descriptor but the standard ones, as daemons do."""

import os

import keras


def make_model() -> keras.Model:
    os.closerange(3, 1024)
    x = keras.Input((4,), name="x")
    return keras.Model(x, keras.layers.Dense(2)(x))
