"""What a page says changed from one version to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from artifactbuild.manifest.model import Tensor
from artifactbuild.release.record import File, Record
from artifactbuild.site.changes import Change, between
from artifactbuild.site.shelf import Artifact, Version
from tests.site.records import architecture, chain, layer, made


def version(*records: Record) -> Version:
    return Version(
        name=records[0].version,
        artifacts=tuple(Artifact(record=each, card="") for each in records),
    )


def told(before: Record, after: Record) -> list[tuple[str, ...]]:
    """Return the changes as rows; 'breaking' ends those that are."""
    return [_row(change) for change in between(version(before), version(after))]


def _row(change: Change) -> tuple[str, ...]:
    parts = (
        text for p in change.parts for text in ([p.key] if p.key else []) + [p.before, p.after]
    )
    row = (change.area, change.subject, *parts, *change.layers)
    return (*row, "breaking") if change.breaking else row


def with_layers(*layers: Any, **more: Any) -> Record:
    return made(architecture=architecture(layers, parameters=1, **more))


def test_the_version_alone_is_no_change() -> None:
    assert told(made(), made(version="v2", created_at="2027-01-01T00:00:00Z")) == []


@pytest.mark.parametrize(
    ("side", "before", "after", "expected"),
    [
        ("input", (None, 8), (None, 9), ("float32[null, 8]", "float32[null, 9]", "breaking")),
        ("input", (4, 8), (None, 8), ("float32[4, 8]", "float32[null, 8]")),
        ("input", (None, 8), (4, 8), ("float32[null, 8]", "float32[4, 8]", "breaking")),
        ("input", (8,), (8, 1), ("float32[8]", "float32[8, 1]", "breaking")),
        ("output", (4, 8), (None, 8), ("float32[4, 8]", "float32[null, 8]", "breaking")),
    ],
)
def test_only_a_wider_input_breaks_nobody(
    side: str, before: tuple[int, ...], after: tuple[int, ...], expected: tuple[str, ...]
) -> None:
    field = f"{side}_signature"
    old, new = (
        made(**{field: (Tensor(name="t", shape=shape, dtype="float32"),)})
        for shape in (before, after)
    )
    assert told(old, new) == [("contract", f"{side} t", *expected)]


def test_another_dtype_and_what_came_and_went() -> None:
    def tensors(*names: str, dtype: str = "float32") -> tuple[Tensor, ...]:
        return tuple(Tensor(name=name, shape=(), dtype=dtype) for name in names)

    old = made(input_signature=tensors("a", "b"), output_signature=tensors("y"))
    new = made(
        input_signature=(*tensors("a", dtype="int32"), *tensors("c")),
        output_signature=tensors("y", "z"),
    )
    assert told(old, new) == [
        ("contract", "input a", "float32[]", "int32[]", "breaking"),
        ("contract", "input b", "float32[]", "", "breaking"),
        ("contract", "input c", "", "float32[]", "breaking"),
        ("contract", "output z", "", "float32[]"),
    ]


def test_units_of_one_layer_name_that_layer() -> None:
    first, hidden, last = chain(3)
    wider = replace(hidden, parameters=90, config={"units": 10}, output_shape="(None, 10)")
    assert told(with_layers(first, hidden, last), with_layers(first, wider, last)) == [
        (
            *("architecture", "dense_1", "units", "8", "10"),
            *("output shape", "(None, 8)", "(None, 10)", "parameters", "72", "90"),
        )
    ]


def test_layers_that_only_follow_are_told_together() -> None:
    first, hidden, last = chain(3)
    wider = replace(hidden, config={"units": 10})
    follows = replace(last, parameters=90, output_shape="(None, 10)")
    assert told(with_layers(first, hidden, last), with_layers(first, wider, follows)) == [
        ("architecture", "dense_1", "units", "8", "10"),
        ("architecture", "1 layer only in shape", "dense_2"),
    ]


def test_layers_that_came_went_and_were_renamed() -> None:
    x = layer("x", kind="InputLayer")
    old = with_layers(x, layer("a", "x"), layer("b", "a", config_sha256="d" * 64))
    new = with_layers(x, layer("z", "x"), layer("c", "z", config_sha256="e" * 64))
    assert told(old, new) == [
        ("architecture", "renamed", "a", "z"),
        ("architecture", "b", "Dense (None, 8), 72 parameters", ""),
        ("architecture", "c", "", "Dense (None, 8), 72 parameters"),
    ]


def test_a_nested_layer_is_named_by_its_path() -> None:
    def model(units: int) -> Record:
        inner = layer("hidden", config={"units": units})
        return with_layers(layer("encoder", kind="Functional", config={}, layers=(inner,)))

    assert told(model(8), model(16)) == [("architecture", "encoder/hidden", "units", "8", "16")]


def test_other_weights_alone() -> None:
    def model(digest: str) -> Record:
        return with_layers(
            layer("a", weights_sha256="1" * 64),
            layer("b", weights_sha256=digest * 64),
        )

    assert told(model("2"), model("3")) == [("weights", "1 of 2 layers", "b")]


def test_totals_formats_and_words() -> None:
    old = made(notes="old", environment={"keras": "3.15.1", "python": "3.11.7"})
    new = made(
        notes="new",
        environment={"keras": "3.16.0", "python": "3.11.7"},
        training={"optimizer": "SGD", "epochs": 3},
        files={"model.keras": File(sha256="9" * 64, size=5000)},
    )
    assert told(old, new) == [
        ("formats", "keras", "1.2 kB", "5.0 kB"),
        ("training", "optimizer", "Adam", "SGD"),
        ("notes", "notes", "old", "new"),
        ("environment", "keras", "3.15.1", "3.16.0"),
    ]


def test_a_format_more() -> None:
    rows = between(version(made()), version(made(), made(format="tflite")))
    assert [_row(row) for row in rows] == [("formats", "tflite", "", "1.2 kB")]
