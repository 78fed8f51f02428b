from pathlib import Path

import keras

Path(__file__).with_name("notes.txt").write_text("imported")


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, keras.layers.Dense(2)(inputs))
