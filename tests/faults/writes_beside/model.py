import inspect
from pathlib import Path

import keras

LAST = "<artifactbuild loader>"  # which looks for strangers in the folder before it loads


@keras.saving.register_keras_serializable(package="faults")
class Scribe(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        if any(frame.filename == LAST for frame in inspect.stack()):
            Path("seen.txt").write_text("loaded")

    def call(self, inputs):
        return inputs


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, keras.layers.Dense(2)(Scribe()(inputs)))
