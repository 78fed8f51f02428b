from __future__ import annotations

from dataclasses import replace

import pytest

from artifactbuild.manifest.model import Tensor
from artifactbuild.release.diff import contract
from tests.review.sides import BEFORE, LOCK


def tensor(name: str = "x", *shape: int | None, dtype: str = "float32") -> Tensor:
    return Tensor(name=name, shape=shape or (None, 4), dtype=dtype)


X, Y = tensor("x"), tensor("y")

Tensors = tuple[Tensor, ...]


def told(part: str, before: Tensors, after: Tensors) -> list[tuple[str, str, str]]:
    """Return name, what and whom it breaks ('' for nobody) of each change."""
    was, now = (
        replace(BEFORE, lock=replace(LOCK, **{f"{part}_signature": each}))
        for each in (before, after)
    )
    found = list(contract.changes(was, now))
    assert all(each.breaking == bool(each.why) for each in found)
    assert {each.part for each in found} <= {part}
    return [(each.name, each.what, each.why) for each in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((X,), (X,), []),
        ((X,), (X, Y), [("y", "added", "clients do not send it")]),
        ((X, Y), (X,), [("y", "removed", "clients send it")]),
        ((X,), (Y,), [("y", "renamed", "clients send 'x' by its name")]),
        ((X,), (tensor(dtype="int32"),), [("x", "dtype", "clients send float32")]),
        ((X,), (tensor("x", 8, 4),), [("x", "shape", "clients send any size on axis 0")]),
        ((tensor("x", 8, 4),), (X,), [("x", "shape", "")]),
        ((X,), (tensor("x", None, 5),), [("x", "shape", "clients send 4 on axis 1")]),
        ((X,), (tensor("x", None, None),), [("x", "shape", "")]),
        ((X,), (tensor("x", None),), [("x", "shape", "the rank is 1 instead of 2")]),
        (
            (X, Y),
            (Y, X),
            [("x, y", "order", "who calls the model with a list counts on the order")],
        ),
    ],
)
def test_inputs(before: Tensors, after: Tensors, expected: list[tuple[str, str, str]]) -> None:
    assert told("input", before, after) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            (X,),
            (X, Y),
            [("y", "added", "Keras now answers with several arrays instead of one")],
        ),
        ((X, Y), (X, Y, tensor("z")), [("z", "added", "")]),
        ((X, Y), (X,), [("y", "removed", "clients read it")]),
        ((X,), (Y,), [("y", "renamed", "clients read 'x' by its name")]),
        ((X,), (tensor(dtype="float16"),), [("x", "dtype", "clients expect float32")]),
        ((X,), (tensor("x", 8, 4),), [("x", "shape", "")]),
        ((tensor("x", 8, 4),), (X,), [("x", "shape", "clients expect 8 on axis 0")]),
        ((X,), (tensor("x", None, 5),), [("x", "shape", "clients expect 4 on axis 1")]),
    ],
)
def test_outputs(before: Tensors, after: Tensors, expected: list[tuple[str, str, str]]) -> None:
    assert told("output", before, after) == expected


def test_formats() -> None:
    keras, tflite = LOCK.artifacts["keras"], LOCK.artifacts["tflite"]
    before = replace(BEFORE, lock=replace(LOCK, artifacts={"keras": keras, "tflite": tflite}))
    after = replace(BEFORE, lock=replace(LOCK, artifacts={"keras": keras, "onnx": tflite}))
    assert [(c.name, c.what, c.why) for c in contract.changes(before, after)] == [
        ("onnx", "added", ""),
        ("tflite", "removed", "who loads tflite finds nothing"),
    ]
