"""What one writes by hand: a single process saves five formats, loads each once and compares.

    python by_hand.py FOLDER_OF_MODEL_PY OUTPUT KWARGS_AS_JSON [FORMAT ...]

Nothing is proven of signatures, optimizers, custom objects or other processes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

import keras
import numpy as np
import tensorflow as tf

from model import make_model

OUT = Path(sys.argv[2])
KWARGS = json.loads(sys.argv[3])
FORMATS = sys.argv[4:] or ["savedmodel", "keras", "h5", "weights", "tflite"]


def main() -> None:
    OUT.mkdir(parents=True)
    keras.utils.set_random_seed(123)
    model = make_model(**KWARGS)
    shape = (2, *model.inputs[0].shape[1:])
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    expected = np.asarray(model(inputs, training=False))
    for name in FORMATS:
        found = np.asarray(WAYS[name](model, inputs))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
        print(name, np.abs(found - expected).max())


def savedmodel(model: keras.Model, inputs: np.ndarray) -> object:
    model.export(OUT / "savedmodel", verbose=False)
    loaded = tf.saved_model.load(OUT / "savedmodel")
    return loaded.serve(inputs)


def keras_archive(model: keras.Model, inputs: np.ndarray) -> object:
    model.save(OUT / "model.keras")
    return keras.models.load_model(OUT / "model.keras")(inputs, training=False)


def h5(model: keras.Model, inputs: np.ndarray) -> object:
    model.save(OUT / "model.h5")
    return keras.models.load_model(OUT / "model.h5", compile=False)(inputs, training=False)


def weights(model: keras.Model, inputs: np.ndarray) -> object:
    path = tf.train.Checkpoint(model=model).write(str(OUT / "ckpt"))
    other = make_model(**KWARGS)
    tf.train.Checkpoint(model=other).read(path).expect_partial()
    return other(inputs, training=False)


def tflite(model: keras.Model, inputs: np.ndarray) -> object:
    content = tf.lite.TFLiteConverter.from_saved_model(str(OUT / "savedmodel")).convert()
    (OUT / "model.tflite").write_bytes(content)
    interpreter = tf.lite.Interpreter(model_content=content)
    (found,) = interpreter.get_signature_runner()(
        **{next(iter(interpreter.get_signature_runner().get_input_details())): inputs}
    ).values()
    return found


WAYS = {
    "savedmodel": savedmodel,
    "keras": keras_archive,
    "h5": h5,
    "weights": weights,
    "tflite": tflite,
}

if __name__ == "__main__":
    main()
