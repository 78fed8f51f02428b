"""What a manifest can ask for beside formats: signatures, assets, measures, comparisons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.release import record
from artifactbuild.release.record import Record

SAMPLE = Path(__file__).parents[1] / "samples" / "dense"
Copy = Callable[[Path], Path]
Build = Callable[[Path], Outcome]

MODEL = """
import keras
import tensorflow as tf


def make_model():
    inputs = keras.Input((4,), name="x")
    outputs = keras.layers.Dense(3, activation="softmax", name="y")(inputs)
    return keras.Model(inputs, outputs, name="dense")


def classify(model, inputs):
    scores = model(inputs["x"], training=False)
    names = tf.constant(["red", "green", "blue"])
    label = tf.gather(names, tf.argmax(scores, axis=-1))
    return {"label": label, "score": tf.reduce_max(scores, axis=-1)}
"""


@pytest.fixture
def built(copied: Copy, build: Build) -> Callable[..., Record]:
    """Build the sample with another model and more lines in its manifest; return one record."""

    def build_with(
        lines: str, format: str = "keras", model: str = MODEL, options: str = "{}"
    ) -> Record:
        manifest = copied(SAMPLE)
        (manifest.parent / "model.py").write_text(model)
        text = manifest.read_text().replace(
            "formats: [savedmodel, keras, h5, weights]", f"formats: {{{format}: {options}}}"
        )
        manifest.write_text(text + lines)
        (manifest.parent / "labels.txt").write_text("red\ngreen\nblue\n")
        rows = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
        np.savez(manifest.parent / "evaluation.npz", x=rows, targets=np.arange(40) % 3)
        build(manifest)
        return record.read(Path("artifacts/dense") / format / "v1")

    return build_with


def test_further_signature_is_served_and_proven(built: Callable[..., Record]) -> None:
    made = built("signatures: {classify: model:classify}\n", "savedmodel")
    (check,) = [c for c in made.checks if c.loader == "signature_classify"]
    assert (check.against, check.compare, check.passed, check.count) == (
        "signature:classify",
        "exact",
        True,
        16,
    )
    with np.load("artifacts/dense/savedmodel/v1/reference.npz") as arrays:
        labels = arrays["rows/signature:classify/label"]
    assert set(labels.tolist()) <= {b"red", b"green", b"blue"}


def test_assets_go_into_the_savedmodel_and_are_inputs(built: Callable[..., Record]) -> None:
    made = built("assets: [labels.txt]\n", "savedmodel")
    found = Path("artifacts/dense/savedmodel/v1/assets/labels.txt")
    assert found.read_text() == "red\ngreen\nblue\n"
    assert "labels.txt" in made.inputs.sources
    assert "assets/labels.txt" in made.files


def test_loaders_are_measured_beside_the_model(built: Callable[..., Record]) -> None:
    made = built("evaluate: {file: evaluation.npz, metrics: [accuracy]}\n")
    assert [(m.loader, m.metric, m.examples) for m in made.measures] == [
        ("keras", "accuracy", 40),
        ("artifactbuild", "accuracy", 40),
    ]
    assert all(m.value == m.model and 0 < m.value < 1 for m in made.measures)
    assert "evaluation.npz" in made.inputs.sources
    card = Path("artifacts/dense/keras/v1/MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"| accuracy of `output` | keras | {made.measures[0].value:.4f} |" in card


@pytest.mark.parametrize(
    ("lines", "options", "rule"),
    [
        ("", "{}", ("allclose", 1e-6, 1e-5, "default")),
        ("validation: {tolerance: {atol: 0.1}}\n", "{}", ("allclose", 0.1, 1e-5, "validation")),
        (
            "validation: {tolerance: {atol: 0.1}}\n",
            "{tolerance: {atol: 0.2}}",
            ("allclose", 0.2, 1e-5, "formats.keras"),
        ),
        (
            "validation: {outputs: {output: {tolerance: {rtol: 0.3}}}}\n",
            "{tolerance: {atol: 0.2}}",
            ("allclose", 0.2, 0.3, "validation.outputs.output"),
        ),
        (
            "validation: {outputs: {output: {tolerance: {rtol: 0.3}}}}\n",
            "{outputs: {output: {compare: argmax}}}",
            ("argmax", 1e-6, 0.3, "formats.keras.outputs.output"),
        ),
    ],
)
def test_most_specific_rule_wins_and_is_recorded(
    built: Callable[..., Record], lines: str, options: str, rule: tuple[str, float, float, str]
) -> None:
    made = built(lines, options=options)
    (check,) = [c for c in made.checks if (c.loader, c.against) == ("keras", "graph")]
    assert (check.compare, check.atol, check.rtol, check.rule) == rule


STOCHASTIC = """
import keras


@keras.saving.register_keras_serializable(package="options")
class Noise(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, inputs):
        return inputs + keras.random.normal((1, 4), seed=self.seeds)


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, Noise(name="noise")(inputs))
"""


def test_stochastic_model_is_held_to_its_range(built: Callable[..., Record]) -> None:
    lines = "stochastic: true\ncustom_objects: [model:Noise]\n"
    made = built(lines, "savedmodel", STOCHASTIC)
    outputs = [c for c in made.checks if c.compared == "outputs"]
    assert {check.compare for check in outputs} == {"range"}
    card = Path("artifacts/dense/savedmodel/v1/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "**This model answers differently each time, on purpose**" in card


LAMBDA = """
import keras


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2, name="twice")(inputs))
"""


@pytest.mark.parametrize("format", ["keras", "savedmodel"])
def test_allowed_lambda_is_loaded_knowingly_and_told_in_bold(
    built: Callable[..., Record], format: str
) -> None:
    made = built("allow_lambda: true\n", format, LAMBDA)
    assert made.lambdas == ("twice",)
    folder = Path("artifacts/dense") / format / "v1"
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "**This model holds Python bytecode** in the Lambda layers twice" in card
    assert 'artifactbuild.load(".", allow_lambda=True)' in card
    payload = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert payload.find(str(Path.cwd()).encode()) == -1


def test_measure_of_what_is_not_there_is_a_problem(copied: Copy, build: Build) -> None:
    manifest = copied(SAMPLE)
    manifest.write_text(manifest.read_text() + "evaluate: {file: no.npz, metrics: [mae]}\n")
    with pytest.raises(Refusal) as refused:
        build(manifest)
    assert "no.npz" in refused.value.problems[0].message
