"""Loads the eight artifacts of this repo's models with TensorFlow, Keras and NumPy alone.

    python tests/independent.py PROJECT

PROJECT holds `my_model/` and `digits/` (the factories) and `artifacts/`. Prints a JSON line per
artifact: the largest difference from `reference.npz`, and whether every optimizer variable has the
digest that `metadata.json` states.
"""

import hashlib
import importlib
import json
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"  # as the records say; not every processor's default

import h5py
import keras
import numpy as np
import tensorflow as tf

KEYS = {"my_model": {"units": 16}, "digits": {}}


def main(project: Path) -> None:
    """Load and compare all of them."""
    for model, kwargs in KEYS.items():
        sys.path.insert(0, str(project / model))
        sys.modules.pop("model", None)
        module = importlib.import_module("model")
        sys.path.pop(0)
        for format, load in LOADERS.items():
            (folder,) = (project / "artifacts" / model / format).iterdir()
            predict, restored = load(folder, lambda: module.make_model(**kwargs))
            optimizer = restored.optimizer.variables if restored is not None else []
            row = {
                "model": model,
                "format": format,
                "outputs": difference(
                    folder, predict, "graph" if format == "savedmodel" else "eager"
                ),
                "optimizer": "equal" if same(folder, optimizer) else "different",
                "iterations": int(optimizer[0].numpy()) if optimizer else None,
            }
            print(json.dumps(row))


def savedmodel(folder, make):
    loaded = tf.saved_model.load(str(folder))
    serving = loaded.signatures["serving_default"]
    config = json.loads((folder / "assets.extra/keras/config.json").read_text())
    restored = keras.saving.deserialize_keras_object(config)
    checkpoint = tf.train.Checkpoint(
        model_variables=list(restored.variables),
        optimizer_variables=list(restored.optimizer.variables),
    )
    checkpoint.read(str(folder / "variables/variables")).assert_existing_objects_matched()

    def predict(**inputs):
        answer = serving(**{k: tf.constant(v) for k, v in inputs.items()})["output"].numpy()
        reference = np.load(folder / "reference.npz")
        case = next(
            k
            for k in reference.files
            if reference[k] is not None
            and k.endswith("eager/output")
            and reference[k].shape == answer.shape
        )
        again = restored(next(iter(inputs.values())), training=False).numpy()
        assert np.array_equal(again, reference[case]), "the Keras reload differs"
        return answer

    return predict, restored


def archive(folder, make):
    restored = keras.saving.load_model(folder / "model.keras")
    return (lambda **inputs: restored(*inputs.values(), training=False).numpy()), restored


def hdf5(folder, make):
    restored = keras.saving.load_model(folder / "model.h5")
    restored.optimizer.built = False
    restored.optimizer.build(restored.trainable_variables)
    with h5py.File(folder / "model.h5") as file:
        group = file["optimizer_weights"]
        for variable, name in zip(
            restored.optimizer.variables, group.attrs["weight_names"], strict=True
        ):
            variable.assign(group[name][()])
    return (lambda **inputs: restored(*inputs.values(), training=False).numpy()), restored


def weights(folder, make):
    model = make()
    tf.train.Checkpoint(weights=list(model.weights)).read(str(folder / "ckpt")).assert_consumed()
    return (lambda **inputs: model(*inputs.values(), training=False).numpy()), None


LOADERS = {"savedmodel": savedmodel, "keras": archive, "h5": hdf5, "weights": weights}


def difference(folder, predict, against):
    """Return the largest difference from the reference, over all cases."""
    reference = np.load(folder / "reference.npz")
    found = []
    for case in {key.split("/")[0] for key in reference.files}:
        prefix = f"{case}/inputs/"
        inputs = {k[len(prefix) :]: reference[k] for k in reference.files if k.startswith(prefix)}
        expected = reference[f"{case}/{against}/output"]
        found.append(float(np.abs(predict(**inputs) - expected).max()))
    return max(found)


def same(folder, optimizer):
    """Tell whether the optimizer's variables have the digests that the record states."""
    stated = json.loads((folder / "metadata.json").read_text())["variables"]
    expected = [v["sha256"] for v in stated if v["role"] == "optimizer"]
    return [hashlib.sha256(v.numpy().tobytes()).hexdigest() for v in optimizer] == expected


if __name__ == "__main__":
    main(Path(sys.argv[1]))
