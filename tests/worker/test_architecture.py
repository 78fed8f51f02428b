"""What the record tells of layers: edges, choices, and digests that tell changes apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as L  # noqa: N812, as Keras' own tests do

from artifactbuild.release.record import Architecture, Layer
from artifactbuild.worker import architecture, configs, state


def described(model: keras.Model) -> Architecture:
    return architecture.describe(model, state.listed(model))


def by_name(model: keras.Model) -> dict[str, Layer]:
    return {layer.name: layer for layer in described(model).layers}


def mlp(hidden: str | None = "hidden", **choices: Any) -> keras.Model:
    """Return a model whose weights say nothing of its seed, so that two are equal."""
    inputs = keras.Input((4,), name="x")
    options = {"units": 3, "kernel_initializer": "ones", **choices}
    found = L.Dense(name=hidden, **options)(inputs)
    return keras.Model(inputs, L.Dense(2, kernel_initializer="ones", name="out")(found))


def test_layer_tells_its_class_shape_choices_and_what_feeds_it() -> None:
    found = by_name(mlp(activation="relu"))
    hidden = found["hidden"]
    assert (hidden.kind, hidden.output_shape, hidden.parameters) == ("Dense", "(None, 3)", 15)
    assert hidden.config == {"activation": "relu", "kernel_initializer": "Ones", "units": 3}
    assert (hidden.inputs, hidden.variables, hidden.layers) == (("x",), (0, 1), ())
    assert found["out"].inputs == ("hidden",)
    assert found["x"].weights_sha256 == ""
    assert described(mlp()).outputs == ("out",)


def test_renamed_layer_keeps_both_digests() -> None:
    before, after = by_name(mlp("hidden"))["hidden"], by_name(mlp("other"))["other"]
    assert (before.config_sha256, before.weights_sha256) == (
        after.config_sha256,
        after.weights_sha256,
    )
    assert described(mlp("hidden")).config_sha256 == described(mlp("other")).config_sha256


def test_names_that_keras_counts_change_nothing() -> None:
    before = described(mlp(None))
    for _ in range(3):
        L.Dense(1)
    after = described(mlp(None))
    assert before.layers[1].name != after.layers[1].name
    assert before.config_sha256 == after.config_sha256
    wrapped = [
        described(keras.Sequential([keras.Input((4, 2)), L.Bidirectional(L.LSTM(2))]))
        for _ in range(2)
    ]
    assert wrapped[0].config_sha256 == wrapped[1].config_sha256


@pytest.mark.parametrize(
    "choice",
    [
        {"activation": "relu"},
        {"use_bias": False},
        {"trainable": False},
        {"dtype": "float64"},
        {"kernel_regularizer": keras.regularizers.L2(0.1)},
        {"kernel_initializer": keras.initializers.HeNormal(seed=3)},
        {"activity_regularizer": "l1"},
    ],
)
def test_every_choice_changes_the_config_digest_of_its_layer_alone(choice: dict[str, Any]) -> None:
    before, after = by_name(mlp()), by_name(mlp(**choice))
    assert before["hidden"].config_sha256 != after["hidden"].config_sha256
    assert set(choice) <= set(after["hidden"].config)
    assert before["out"].config_sha256 == after["out"].config_sha256
    assert described(mlp()).config_sha256 != described(mlp(**choice)).config_sha256


@pytest.mark.parametrize(
    "said",
    [
        {"activation": "linear"},
        {"use_bias": True},
        {"bias_initializer": keras.initializers.Zeros()},
        {"dtype": "float32"},
    ],
)
def test_saying_a_default_aloud_changes_nothing(said: dict[str, Any]) -> None:
    assert by_name(mlp())["hidden"] == by_name(mlp(**said))["hidden"]


def test_none_where_the_default_is_something_is_a_choice() -> None:
    assert configs.chosen(L.MaxPooling1D(strides=None)) == {"pool_size": [2], "strides": [2]} or (
        configs.chosen(L.MaxPooling1D(strides=None)) == {"strides": [2]}
    )
    assert configs.chosen(L.Dense(1, kernel_initializer=None)) == {
        "kernel_initializer": None,
        "units": 1,
    }


def test_new_weights_change_the_weights_digest_of_their_layer_alone() -> None:
    model = mlp()
    before = described(model)
    model.get_layer("hidden").bias.assign(np.full(3, 0.5, "float32"))
    after = described(model)
    changed = [
        new.name
        for old, new in zip(before.layers, after.layers, strict=True)
        if old.weights_sha256 != new.weights_sha256
    ]
    assert changed == ["hidden"]
    assert before.weights_sha256 != after.weights_sha256
    assert before.config_sha256 == after.config_sha256


def test_moving_statistics_and_vocabularies_are_weights() -> None:
    first, second = L.StringLookup(name="words"), L.StringLookup(name="words")
    first.adapt(np.array(["a", "b"]))
    second.adapt(np.array(["a", "c"]))
    found = []
    for lookup in (first, second):
        words = keras.Input((1,), dtype="string", name="s")
        found.append(by_name(keras.Model(words, L.Embedding(4, 1)(lookup(words))))["words"])
    assert found[0].config_sha256 == found[1].config_sha256
    assert found[0].weights_sha256 != found[1].weights_sha256


Graph = Callable[[Any], Any]


def graph(made: Graph) -> Architecture:
    inputs = keras.Input((4,), name="x")
    return described(keras.Model(inputs, made(inputs)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lambda x: x * 2.0, lambda x: x * 3.0),
        (lambda x: keras.ops.subtract(1.0, x), lambda x: keras.ops.subtract(x, 1.0)),
        (lambda x: x[:, 1:], lambda x: x[:, :3]),
        (lambda x: x + x, lambda x: x * x),
        (lambda x: (x * 2.0, x + 1.0), lambda x: (x + 1.0, x * 2.0)),
        (lambda x: (x * 2.0) - (x + 1.0), lambda x: (x + 1.0) - (x * 2.0)),
        (
            lambda x: keras.ops.split(x, 2, axis=1)[0],
            lambda x: keras.ops.split(x, 2, axis=1)[1],
        ),
    ],
    ids=["constant", "order", "slice", "operation", "outputs", "wiring", "which output"],
)
def test_graph_of_operations_is_told_apart(before: Graph, after: Graph) -> None:
    assert graph(before).config_sha256 != graph(after).config_sha256


def test_constants_of_a_call_are_choices_of_its_operation() -> None:
    found = graph(lambda x: (x * 2.0)[:, 1:])
    assert [(layer.kind, layer.config) for layer in found.layers[1:]] == [
        ("Multiply", {"call": ["·", 2.0]}),
        ("GetItem", {"call": ["·", ["::", "1::"]]}),
    ]


def test_a_layer_held_in_inference_mode_says_so() -> None:
    def normalized(**arguments: Any) -> dict[str, Any]:
        found = graph(lambda x: L.BatchNormalization()(L.Dropout(0.5)(x), **arguments))
        assert found.layers[1].config == {"rate": 0.5}
        return dict(found.layers[2].config)

    assert normalized() == {}
    assert normalized(training=False) == {"call": ["·", {"training": False}]}


def test_nested_models_hold_their_layers_and_change_with_them() -> None:
    def nested(rate: float) -> Layer:
        inner = keras.Sequential([L.Dense(3, name="a"), L.Dropout(rate, name="b")], name="inner")
        inputs = keras.Input((4,), name="x")
        return by_name(keras.Model(inputs, L.Add(name="sum")([inner(inputs), inner(inputs)])))[
            "inner"
        ]

    inner = nested(0.5)
    assert [(layer.name, layer.inputs) for layer in inner.layers] == [("a", ()), ("b", ("a",))]
    assert inner.inputs == ("x", "x")
    assert inner.config_sha256 != nested(0.4).config_sha256
    assert inner.layers[0].config_sha256 == nested(0.4).layers[0].config_sha256


class Block(keras.layers.Layer):
    """A layer of a user's own that holds others in a list."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dense = [L.Dense(units, name="first"), L.Dense(units, name="second")]

    def call(self, x: Any) -> Any:
        return self.dense[1](self.dense[0](x))

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError


class Subclassed(keras.Model):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.block, self.out = Block(3, name="block"), L.Dense(1, name="out")

    def call(self, x: Any) -> Any:
        return self.out(self.block(x))


def test_layers_of_the_users_own_are_looked_into() -> None:
    model = Subclassed()
    model(np.ones((2, 4), "float32"))
    found = described(model)
    assert (found.kind, found.outputs) == ("subclassed", ())
    block = found.layers[0]
    assert (block.kind, block.config, block.parameters) == ("Block", {}, 27)
    assert [layer.name for layer in block.layers] == ["first", "second"]


def test_long_values_are_told_by_size_and_digest() -> None:
    (layer,) = described(
        keras.Sequential([L.Normalization(mean=[0.0] * 99, variance=[1.0] * 99)])
    ).layers
    assert str(layer.config["mean"]).startswith("99 entries, sha256 ")


SCRIPT = """

import sys
sys.path.insert(0, sys.argv[1])
from artifactbuild.data import dumps
import keras
from artifactbuild.worker import architecture, state
x = keras.Input((4,), name="x")
dense = keras.layers.Dense(3, kernel_initializer="ones", name="dense")(x)
doubled = keras.layers.Lambda(lambda x: x * 2, name="doubled")(dense)
model = keras.Model(x, keras.layers.Add(name="sum")([doubled, doubled]))
print(dumps(architecture.describe(model, state.listed(model))))
"""


def test_description_is_the_same_in_another_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(Path(__file__).parents[2])
    (tmp_path / "script.py").write_text(SCRIPT)
    shown = subprocess.run(
        [sys.executable, tmp_path / "script.py", root],
        env={**os.environ, "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )
    monkeypatch.setattr(sys, "argv", ["", root])
    exec(compile(SCRIPT[1:], "elsewhere.py", "exec"), {})
    assert capsys.readouterr().out == shown.stdout
    kinds = [layer["kind"] for layer in json.loads(shown.stdout)["layers"]]
    assert kinds == ["InputLayer", "Dense", "Lambda", "Add"]
