"""A canonical file loads wherever the original does, and answers, learns and differs the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from artifactbuild.worker import reference, resume, state
from artifactbuild.worker.reference import Arrays
from tests.worker.canonical import saving
from tests.worker.canonical.conftest import Twice

Answers = Mapping[str, Any]

OWN_GRADIENTS = ("steep", "swish_gelu", "signatures", "groups")
LOOPS = ("stateful", "conv_lstm_attention")
HELD = ("branch", "loops", "choice", "swish_in_loop")
"""Of a gradient of its own inside a branch or a loop, TensorFlow loses hold when it saves."""


def case(folder: Path, format: str = "savedmodel") -> reference.Case:
    (found,) = reference.read(folder / format / reference.FILE)
    return found


def pair(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """Yield the original SavedModel and the canonical one, each at one path, as loaders see it."""
    for kind in ("raw/savedmodel", "savedmodel"):
        shutil.rmtree(tmp_path / "model", ignore_errors=True)
        shutil.copytree(folder / kind, tmp_path / "model")
        yield tmp_path / "model"


def same(first: Answers, second: Answers) -> bool:
    return first.keys() == second.keys() and all(
        np.array_equal(np.asarray(first[name]), np.asarray(second[name])) for name in first
    )


def by_signature(folder: Path, inputs: Arrays) -> Answers:
    loaded = tf.saved_model.load(str(folder))
    return {
        f"{name}/{output}": value.numpy()
        for name, signature in loaded.signatures.items()
        for output, value in signature(
            **{key: tf.constant(array) for key, array in inputs.items()}
        ).items()
    }


def by_session(folder: Path, inputs: Arrays) -> Answers:
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        signature = loaded.signature_def["serving_default"]
        fed = {signature.inputs[name].name: array for name, array in inputs.items()}
        answers: Answers = session.run(
            {name: output.name for name, output in signature.outputs.items()}, fed
        )
        return answers


def by_layer(folder: Path, inputs: Arrays) -> Answers:
    layer = keras.layers.TFSMLayer(str(folder), call_endpoint="serve")
    values = [tf.constant(array) for array in inputs.values()]
    return {"output": layer(values[0] if len(values) == 1 else values)}


@pytest.mark.parametrize("loader", [by_signature, by_session, by_layer])
@pytest.mark.parametrize("model", saving.MODELS)
def test_savedmodel_answers_the_same_bits(
    model: str, loader: Any, twice: Twice, tmp_path: Path
) -> None:
    inputs = case(twice.late / model).inputs
    original, canonical = [loader(path, inputs) for path in pair(twice.late / model, tmp_path)]
    assert same(original, canonical)


def differentiated(folder: Path, inputs: Arrays) -> Answers:
    """Give the gradients of the loaded model: of its input, and of each variable that it has."""
    loaded = tf.saved_model.load(str(folder))
    (array,) = inputs.values()
    given = tf.constant(array)
    variables = [each for each in loaded.model_variables if each.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(given)
        answer = loaded.serve(given)
    found = tape.gradient(answer, [given, *variables])
    return {str(index): gradient for index, gradient in enumerate(found) if gradient is not None}


@pytest.mark.parametrize("model", [*OWN_GRADIENTS, *LOOPS])
def test_gradients_go_through_a_loaded_savedmodel(model: str, twice: Twice, tmp_path: Path) -> None:
    inputs = case(twice.late / model).inputs
    original, canonical = [
        differentiated(path, inputs) for path in pair(twice.late / model, tmp_path)
    ]
    assert len(original) >= 3
    assert same(original, canonical)


@pytest.mark.parametrize("model", HELD)
def test_where_the_original_has_no_gradient_the_canonical_one_has_none(
    model: str, twice: Twice, tmp_path: Path
) -> None:
    inputs = case(twice.late / model).inputs
    for path in pair(twice.late / model, tmp_path):
        with pytest.raises((AssertionError, TypeError)):
            differentiated(path, inputs)


def test_own_gradient_is_the_one_that_is_taken(twice: Twice) -> None:
    """The gradient of `steep` is five times what TensorFlow would work out of its sine."""
    loaded = tf.saved_model.load(str(twice.late / "steep" / "savedmodel"))
    kernel = loaded.model_variables[0]
    given = tf.constant([[0.1, 0.2, 0.3, 0.4]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(given)
        bent = tf.sin(tf.sin(given @ kernel + loaded.model_variables[1])) * 2.0
        plain = bent @ loaded.model_variables[2] + loaded.model_variables[3]
        answer = loaded.serve(given)
    assert np.allclose(answer, plain, atol=1e-6)
    assert np.allclose(tape.gradient(answer, given), 25 * tape.gradient(plain, given), rtol=1e-4)


@pytest.mark.parametrize("model", saving.MODELS)
def test_fingerprint_is_that_of_the_files(model: str, twice: Twice) -> None:
    folder = str(twice.late / model / "savedmodel")
    said = tf.saved_model.experimental.read_fingerprint(folder)
    assert said.singleprint() == "/".join(
        str(each)
        for each in (
            said.graph_def_program_hash,
            said.signature_def_hash,
            said.saved_object_graph_hash,
            said.checkpoint_hash,
        )
    )
    before = tf.saved_model.experimental.read_fingerprint(str(twice.early / model / "savedmodel"))
    assert said == before


@pytest.mark.parametrize("model", ["trained", "swish_gelu", "shared", "lambda"])
def test_keras_archive_answers_and_goes_on_training_the_same(model: str, twice: Twice) -> None:
    folder = twice.late / model
    found = case(folder, "keras")
    ended = []
    for path in (folder / "raw" / "model.keras", folder / "keras" / "model.keras"):
        loaded = keras.saving.load_model(path, safe_mode=False)
        answers = loaded(*found.inputs.values(), training=False).numpy()
        for seed in state.seed_variables(loaded):
            seed.assign(np.array([3, 4], "uint32"))
        after = resume.steps(loaded, [found], "x", 3) if loaded.compiled else ()
        ended.append((answers.tobytes(), [each.mark for each in after]))
    assert ended[0] == ended[1]


@pytest.mark.parametrize("model", ["trained", "swish_gelu"])
def test_onnx_answers_the_same_bits(model: str, twice: Twice) -> None:
    folder = twice.late / model
    answers = []
    for path in (folder / "raw" / "model.onnx", folder / "onnx" / "model.onnx"):
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        answers.append(session.run(["output"], dict(case(folder, "onnx").inputs)))
    assert answers[0][0].tobytes() == answers[1][0].tobytes()
