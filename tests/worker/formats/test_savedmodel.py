"""The SavedModel as servers load it: TensorFlow's session, which runs the graph's own restore."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from artifactbuild.pipeline import Outcome
from tests.worker.formats import projects
from tests.worker.formats.projects import case, chain, published

Build = Callable[[Path], Outcome]

SERVED = {
    "weights": (chain("(4,)", "layers.Dense(3)"), case("{normal: true, shape: [8, 4]}")),
    "vocabulary": (
        chain(
            "(1,), dtype='string'",
            "words",
            before="    words = layers.StringLookup()\n    words.adapt(['a', 'b'])\n",
        ),
        case("{values: [[a], [b], [c]]}"),
    ),
    "state": (
        chain("(5, 3), batch_size=2", "layers.LSTM(4, stateful=True)"),
        case("{normal: true, shape: [2, 5, 3]}"),
    ),
}


@pytest.mark.parametrize("kind", SERVED)
def test_session_of_a_server_answers_the_same(kind: str, project: Path, build: Build) -> None:
    manifest = projects.project(project, SERVED[kind][0], "[savedmodel]", SERVED[kind][1])
    build(manifest)
    inputs, _, expected = projects.reference(manifest, "savedmodel")
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        folder = str(published(manifest, "savedmodel"))
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], folder)
        signature = loaded.signature_def["serving_default"]
        fed = {signature.inputs[name].name: array for name, array in inputs.items()}
        ((name, output),) = signature.outputs.items()
        assert np.array_equal(session.run(output.name, fed), expected[name])
