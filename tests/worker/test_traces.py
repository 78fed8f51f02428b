"""A model is traced once for each signature, however many formats are written from it."""

from __future__ import annotations

from pathlib import Path

from artifactbuild.manifest.load import load
from artifactbuild.worker.messages import BuildRequest
from artifactbuild.worker.server import Server

MODEL = '''
import keras
import tensorflow as tf


class Counted(keras.layers.Layer):
    """Notes each trace of the one that the factory made."""

    original = False

    def call(self, x):
        if self.original and not tf.executing_eagerly():
            with open("traces.txt", "a") as file:
                file.write("traced\\n")
        return 2.0 * x + 1.0


def make_model():
    inputs = keras.Input((4,), name="x")
    layer = Counted(name="counted")
    model = keras.Model(inputs, keras.layers.Dense(1, name="y")(layer(inputs)))
    layer.original = True
    model.compile("sgd", "mse")
    return model


def twice(model, inputs):
    return {"twice": 2.0 * model(inputs["x"], training=False)}
'''
MANIFEST = """\
schema_version: 1
name: traced
version: v1
factory: model:make_model
custom_objects: [model:Counted]
formats: [savedmodel, keras, h5, weights, weights_h5, tflite, onnx]
signatures: {twice: "model:twice"}
reference_inputs: [{name: rows, x: {normal: true, shape: [8, 4]}}]
"""


def test_each_signature_is_traced_once_for_all_formats(server: Server, project: Path) -> None:
    (project / "model.py").write_text(MODEL)
    (project / "model.artifact.yaml").write_text(MANIFEST)
    loaded = load(project / "model.artifact.yaml")
    formats = tuple(request.name for request in loaded.manifest.formats)
    assert len(formats) == 7
    for format in formats:
        (project / "staging" / format).mkdir(parents=True)
    request = BuildRequest(
        manifest=loaded.document.data,
        project=str(project),
        folder=str(project),
        formats=formats,
        staging=str(project / "staging"),
        ignored=(),
    )
    report = server.run("build", request, project / "build.log")
    assert report["findings"] == []
    assert (project / "traces.txt").read_text().splitlines() == ["traced"] * 2
