"""Other models, made, traced and saved in a builder before its own: `reproduce --vary` tries it.

They move every counter that Keras and TensorFlow keep in a process; a job must not notice.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy as np

from artifactbuild.worker import runtime

SEED = 99


def make() -> None:
    """Make, trace and save a network with a loop, and a plain one; pinned as a worker is."""
    folder = tempfile.mkdtemp(prefix="artifactbuild-neighbours-")
    runtime.pin(SEED, folder, [])
    series = keras.Input((4, 3))
    x = keras.layers.LSTM(5)(series)
    x = keras.layers.Dropout(0.5)(keras.layers.Dense(6, activation="gelu")(x))
    model = keras.Model(series, keras.layers.Dense(2)(x))
    model.compile("adam", "mse")
    rows = np.linspace(-1, 1, 96, dtype="float32").reshape(8, 4, 3)
    model(rows)
    model.save(Path(folder, "other.keras"))
    model.export(Path(folder, "other"), verbose=False)
    keras.Sequential([keras.layers.Dense(3), keras.layers.BatchNormalization()]).build((None, 4))
