"""A factory that closes every descriptor but the standard ones, as daemons do, and opens others."""

import os

import keras


def make_model() -> keras.Model:
    os.closerange(3, 1024)
    for _ in range(100):
        os.open(os.devnull, os.O_RDWR)
    x = keras.Input((4,), name="x")
    return keras.Model(x, keras.layers.Dense(2)(x))
