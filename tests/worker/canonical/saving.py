"""Build models in this process, under one condition: `python saving.py CONDITION OUT`.

Of each model there are afterwards its formats, and `raw`: the same files before their canonical
form. Each model is built in a fork of its own, as the server does it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from artifactbuild.data import encode
from artifactbuild.manifest import schema
from artifactbuild.worker import build, runtime
from artifactbuild.worker.canonical import archive, opgraph, savedmodel
from artifactbuild.worker.messages import BuildRequest, Part
from tests.kinds.nouns import Input, X, floats, literal

HERE = Path(__file__).parent
ALL = ("savedmodel", "keras", "h5", "weights", "weights_h5", "tflite", "onnx")
BOTH = ("savedmodel", "keras")

WORDS = literal("a", [["red", "blue"], ["blue", "no"], ["green", "green"], ["x", "red"]], None, 2)
NUMBERS = literal("b", [[1, 2], [3, 9], [4, 4], [2, 7]], None, 2, dtype="int64")
SERIES = floats("x", None, 5, 3)

INPUTS: dict[str, tuple[Input, ...]] = {
    "tables": (WORDS, NUMBERS),
    "vocabulary": (literal("x", [["red"], ["no"], ["green"]], None, 1),),
    "swish_in_loop": (SERIES,),
    "trained": (floats("x", 2, 5, 3),),
    "stateful": (floats("x", 2, 5, 3),),
    "groups": (floats("x", None, 8, 8, 2),),
    "conv_lstm_attention": (floats("x", None, 3, 5, 5, 2),),
}
CUSTOM = {
    "steep": "Steep",
    "branch": "Branch",
    "loops": "Loops",
    "choice": "Choice",
    "vocabulary": "FromFile",
}
FORMATS = {
    "trained": ALL,
    "swish_gelu": (*BOTH, "h5", "onnx", "tflite"),
    "shared": (*BOTH, "h5"),
    "lambda": BOTH,
    "tables": BOTH,
    "vocabulary": BOTH,
}
"""What is built of a model, if it is more than a SavedModel."""

MODELS = (*dict.fromkeys([*CUSTOM, *INPUTS]), "swish_gelu", "signatures", "shared", "lambda")


def early(name: str) -> tuple[str, ...]:
    """Return the formats of the early build: of one model fewer than the late one asks for."""
    return BOTH if name == "trained" else FORMATS.get(name, ("savedmodel",))


def manifest(name: str, formats: tuple[str, ...]) -> dict[str, Any]:
    """Return the manifest of a model, as it was read from a file."""
    inputs = INPUTS.get(name, (X,))
    signature = [{"name": i.name, "shape": list(i.shape), "dtype": i.dtype} for i in inputs]
    rows = {"name": "rows"} | {each.name: each.reference(n) for n, each in enumerate(inputs)}
    said = {
        "schema_version": 1,
        "name": name,
        "version": "v1",
        "factory": f"models:make_{name}",
        "seed": 1,
        "custom_objects": [f"models:{CUSTOM[name]}"] if name in CUSTOM else [],
        "input_signature": signature,
        "reference_inputs": [rows],
        "formats": {format: {} for format in formats},
        "allow_lambda": name == "lambda",
        "signatures": {"twice": "models:doubled"} if name == "signatures" else {},
    }
    return schema.defaults(said)


def ballast() -> None:
    """Trace, build, save and load other models, so that every counter of the process moves on."""
    runtime.pin(99, os.getcwd(), [])
    layers = keras.layers
    inputs = keras.Input((5, 3))
    x = layers.LSTM(2, activation="swish")(inputs)
    model = keras.Model(inputs, layers.Dense(2, activation="gelu")(x))
    model.compile("adam", "mean_squared_error")
    words = keras.Input((1,), dtype="string")
    keras.Model(words, layers.StringLookup(vocabulary=["q", "r"])(words))
    root = tf.Module()
    root.call = tf.function(lambda x: tf.nn.silu(model(x)))
    root.variables_ = [variable.value for variable in model.variables]
    root.call.get_concrete_function(tf.TensorSpec((1, 5, 3)))
    tf.saved_model.save(root, "ballast")
    tf.saved_model.load("ballast")
    shutil.rmtree("ballast")


def keep_raw(out: Path) -> None:
    """Let the writers copy what they are about to rewrite to `raw`."""
    rewrite_savedmodel, rewrite_archive = savedmodel.rewrite, archive.rewrite
    rewrite_onnx = opgraph.canonical
    raw = out / "raw"
    raw.mkdir()

    def of_savedmodel(folder: Path) -> None:
        if folder.name == "savedmodel":  # TFLite may save one more, for itself
            shutil.copytree(folder, raw / "savedmodel")
        rewrite_savedmodel(folder)

    def of_archive(path: Path, added: Any = None) -> None:
        shutil.copyfile(path, raw / path.name)
        rewrite_archive(path, added)

    def of_onnx(model: Any) -> bytes:
        (raw / "model.onnx").write_bytes(model.SerializeToString())
        return rewrite_onnx(model)

    savedmodel.rewrite, archive.rewrite, opgraph.canonical = of_savedmodel, of_archive, of_onnx


def save(name: str, condition: str, out: Path, project: Path) -> None:
    """Build one model; the findings, if there are any, are left in a file."""
    formats = early(name)
    if condition == "late":
        if name != "trained":
            runtime.THREADS = 1  # it changes trained bits
        ballast()
        formats = FORMATS.get(name, ("savedmodel",))[::-1]
    for format in formats:
        (out / format).mkdir(parents=True)
    keep_raw(out)
    sys.path.insert(0, str(project))
    request = BuildRequest(
        manifest=manifest(name, formats),
        project=str(project),
        folder=str(project),
        formats=formats,
        staging=str(out),
        ignored=(),
    )
    report = build.run(encode(request), Nobody())
    found = [finding.message for finding in report.findings]
    (out / "findings.json").write_text(json.dumps(found))


class Nobody:
    """The other end of a builder's line, where nobody listens."""

    def __call__(self, text: str) -> None:
        """Hear what is being done."""

    def give(self, part: Part) -> None:
        """Take what is ready."""

    def warn(self, text: str) -> None:
        """Take a warning."""


def main(condition: str, out: Path) -> None:
    """Build every model, each in a fork."""
    project = out / ("a" if condition == "early" else "another-place-of-longer-path")
    project.mkdir(parents=True)
    shutil.copyfile(HERE / "models.py", project / "models.py")
    (project / "words.txt").write_text("red\ngreen\nblue\n")
    for name in MODELS:
        child = os.fork()
        if child == 0:
            try:
                save(name, condition, out / name, project)
            except BaseException:  # noqa: BLE001, a fork must not go on as its parent
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
