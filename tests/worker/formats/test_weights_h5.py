"""Keras weights: exact, with or without the state to go on training, and nothing else in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.release import record
from tests.worker.formats import projects
from tests.worker.formats.projects import case, chain, published

Build = Callable[[Path], Outcome]
ROWS = case("{normal: true, shape: [8, 4]}")
TRAINED = """
def make_model():
    inputs = keras.Input((4,), name="x")
    x = layers.Dropout(0.5)(layers.Dense(8, name="first")(inputs))
    model = keras.Model(inputs, layers.Dense(2)(layers.BatchNormalization()(x)))
    model.compile(keras.optimizers.AdamW(1e-2, clipnorm=1.0), "mse")
    rows = np.random.default_rng(0).normal(size=(64, 4))
    model.fit(rows, rows[:, :2], epochs=2, verbose=0)
    return model
"""
RESUMED = "{weights_h5: {optimizer: true}}"


def checks(manifest: Path) -> dict[tuple[str, str], bool]:
    """Give what was checked by which loader, and whether it passed."""
    made = record.read(published(manifest, "weights_h5"))
    return {(c.loader, c.compared): c.passed for c in made.checks if c.loader != "model"}


def test_weights_alone_hold_no_optimizer(project: Path, build: Build) -> None:
    manifest = projects.project(project, TRAINED, "[weights_h5]", ROWS)
    build(manifest)
    path = published(manifest, "weights_h5") / "model.weights.h5"
    with h5py.File(path) as file:
        assert set(file) == {"layers", "vars"}
        assert file["layers/dense/vars"].attrs["name"] == "first"
    assert b"adamw" not in path.read_bytes()
    assert checks(manifest) == {
        ("factory", "outputs"): True,
        ("factory", "weight variables"): True,
        ("artifactbuild", "outputs"): True,
        ("artifactbuild", "weight variables"): True,
    }
    assert not record.read(path.parent).resumable


def test_with_the_optimizer_training_goes_on_to_the_bit(project: Path, build: Build) -> None:
    manifest = projects.project(project, TRAINED, RESUMED, ROWS)
    build(manifest)
    found = checks(manifest)
    for loader in ("training", "artifactbuild"):
        for compared in ("seed variables", "optimizer variables", "3 training steps"):
            assert found[loader, compared]
    made = record.read(published(manifest, "weights_h5"))
    assert made.resumable
    assert set(made.files) == {"model.weights.h5", "reference.npz"}


def test_optimizer_that_never_trained_goes_on_too(project: Path, build: Build) -> None:
    source = TRAINED.replace("    model.fit", "    # model.fit")
    manifest = projects.project(project, source, RESUMED, ROWS)
    build(manifest)
    assert checks(manifest)["training", "3 training steps"]


def test_keras_alone_loads_it_beside_the_seeds(project: Path, build: Build) -> None:
    manifest = projects.project(project, TRAINED, RESUMED, ROWS)
    build(manifest)
    path = published(manifest, "weights_h5") / "model.weights.h5"
    with h5py.File(path) as file:
        assert file["seed_generators"]["0"].shape == (2,)
        weights = file["layers/dense/vars/0"][()]
    inputs = keras.Input((4,))
    x = keras.layers.Dropout(0.5)(keras.layers.Dense(8)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.BatchNormalization()(x)))
    model.load_weights(path)
    assert np.array_equal(model.layers[1].kernel.numpy(), weights)


OTHER_OPTIMIZER = """
import os

def make_model():
    inputs = keras.Input((4,), name="x")
    model = keras.Model(inputs, layers.Dense(2)(inputs))
    model.compile("adam" if os.path.exists("../first") else "sgd", "mse")
    if os.path.exists("../first"):
        os.remove("../first")
    return model
"""


def test_optimizer_that_keras_would_skip_fails(project: Path, build: Build) -> None:
    (project.parent / "first").touch()  # what lies in the project cannot be removed
    manifest = projects.project(project, OTHER_OPTIMIZER, RESUMED, ROWS)
    with pytest.raises(Refusal) as refused:
        build(manifest)
    assert any("Skipping variable loading" in said for said in projects.said(refused.value))


SUBCLASSED = """
class Pair(keras.Model):
    def __init__(self):
        super().__init__()
        self.parts = [layers.Dense(3), layers.Dense(2)]

    def call(self, inputs, training=None):
        x = inputs["left"] - inputs["right"]
        for part in self.parts:
            x = part(x)
        return {"sum": x, "flags": keras.ops.sigmoid(x)}


def make_model():
    return Pair()
"""
PAIRS = """\
custom_objects: [model:Pair]
input_signature:
  - {name: left, shape: [null, 4], dtype: float32}
  - {name: right, shape: [null, 4], dtype: float32}
reference_inputs:
  - name: rows
    left: {normal: true, shape: [8, 4]}
    right: {normal: true, shape: [8, 4], seed: 1}
"""


def test_subclassed_model_with_layers_in_a_list_comes_back(project: Path, build: Build) -> None:
    manifest = projects.project(project, SUBCLASSED, "[weights_h5]", PAIRS)
    build(manifest)
    assert all(checks(manifest).values())


def test_adapted_layers_come_back_with_the_factory(project: Path, build: Build) -> None:
    source = chain(
        "(4,)",
        "scale",
        "layers.Dense(2)",
        before="    scale = layers.Normalization()\n"
        "    scale.adapt(np.random.default_rng(0).normal(3, 2, (50, 4)))\n",
    )
    build(projects.project(project, source, "[weights_h5]", ROWS))


@pytest.mark.parametrize(
    ("source", "formats", "expected"),
    [
        (
            chain("(4,)", "layers.Rescaling(2.0)"),
            "[weights_h5]",
            "the model has no weights",
        ),
        (
            chain("(4,)", "layers.Dense(2)"),
            RESUMED,
            "weights_h5 with `optimizer: true` needs a compiled model, and this one is not",
        ),
    ],
)
def test_nothing_to_keep_is_refused(
    source: str, formats: str, expected: str, project: Path, build: Build
) -> None:
    with pytest.raises(Refusal) as refused:
        build(projects.project(project, source, formats, ROWS))
    assert projects.said(refused.value) == [expected]


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    formats = ["[weights_h5]", RESUMED]
    payload = "weights_h5/v1/model.weights.h5"
    for first, second in projects.in_two_processes(tmp_path, TRAINED, formats, ROWS, payload):
        assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
