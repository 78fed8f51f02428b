from pathlib import Path

import keras


def make_model():
    Path(__file__).with_name("notes.txt").write_text("made")
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, keras.layers.Dense(2)(inputs))
