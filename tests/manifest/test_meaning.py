"""What fits the schema and still cannot be meant."""

from __future__ import annotations

import pytest

from artifactbuild.manifest import meaning, schema
from artifactbuild.manifest.model import Manifest
from tests.manifest.manifests import case, document


def said(inputs: str, dtype: str = "float32", shape: str = "[null, 4]") -> list[str]:
    """Give the messages of a case against one declared input `x`."""
    signature = f"input_signature: [{{name: x, shape: {shape}, dtype: {dtype}}}]\n"
    found = document(signature=signature, reference=case(inputs))
    assert schema.check(found) == ()
    return [each.message for each in meaning.check(Manifest.from_data(found.data), found)]


@pytest.mark.parametrize(
    ("dtype", "generator"),
    [
        ("float32", "linspace: [0, 1]"),
        ("bfloat16", "normal: true"),
        ("float64", "integers: [0, 9]"),
        ("int8", "integers: [-128, 128]"),
        ("uint8", "integers: [0, 256]"),
        ("uint64", "zeros: true"),
        ("bool", "ones: true"),
        ("float16", "values: [[1, 2.5, 3, 4], [5, 6, 7, 8]]"),
        ("bool", "values: [[true, false, true, true], [true, false, true, true]]"),
        ("string", "values: [[a, b, c, d], [e, f, g, h]]"),
        ("string", "values: hello"),
    ],
)
def test_generators_that_fit_their_input(dtype: str, generator: str) -> None:
    assert said(f"x: {{{generator}, shape: [2, 4]}}", dtype) == []


@pytest.mark.parametrize(
    ("dtype", "generator", "message"),
    [
        ("string", "zeros: true", "zeros cannot make the string input 'x'"),
        ("int32", "uniform: [0, 1]", "uniform cannot make the int32 input 'x'"),
        ("bool", "integers: [0, 1]", "integers cannot make the bool input 'x'"),
        ("int8", "integers: [0, 129]", "integers from 0 to 129 do not fit int8"),
        ("uint8", "integers: [-1, 5]", "integers from -1 to 5 do not fit uint8"),
        ("int32", "values: 1.5", "1.5 is no int32, which input 'x' takes"),
        ("int32", "values: true", "True is no int32, which input 'x' takes"),
        ("uint8", "values: 256", "256 is no uint8, which input 'x' takes"),
        ("float32", "values: a", "'a' is no float32, which input 'x' takes"),
        ("float32", "values: true", "True is no float32, which input 'x' takes"),
        ("bool", "values: 1", "1 is no bool, which input 'x' takes"),
        ("string", "values: 1", "1 is no string, which input 'x' takes"),
        (
            "float32",
            "linspace: [1, 0]",
            "linspace goes from 1 to 0, expected the smaller one first",
        ),
        ("float32", "uniform: [1, 1]", "uniform goes from 1 to 1, expected the smaller one first"),
        ("int32", "integers: [9, 0]", "integers goes from 9 to 0, expected the smaller one first"),
    ],
)
def test_generators_that_cannot_make_their_input(dtype: str, generator: str, message: str) -> None:
    assert said(f"x: {{{generator}, shape: [2, 4]}}", dtype) == [message]


@pytest.mark.parametrize("shape", ["[4]", "[2, 3]", "[2, 4, 1]"])
def test_shape_is_held_against_the_declared_one(shape: str) -> None:
    expected = f"shape {shape} does not fit input 'x', expected [null, 4]"
    assert said(f"x: {{zeros: true, shape: {shape}}}") == [expected]


def test_shape_of_values_is_held_against_the_declared_one() -> None:
    assert said("x: {values: [[1, 2]]}") == [
        "shape [1, 2] does not fit input 'x', expected [null, 4]"
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("[[1, 2, 3, 4], [5]]", "values are ragged: 1 entry here, expected 4 entries"),
        ("[[1, 2, 3, 4], 5]", "values are ragged: a single value here, expected 4 entries"),
        ("[[1, 2, 3, [4]]]", "values are ragged: 1 entry here, expected a single value"),
    ],
)
def test_ragged_values_are_refused(values: str, message: str) -> None:
    assert said(f"x: {{values: {values}}}") == [message]


def test_shape_beside_values_is_theirs() -> None:
    assert said("x: {values: [[1, 2, 3, 4]], shape: [2, 4]}") == [
        "shape is [2, 4], but the values have [1, 4]"
    ]
    assert said("x: {values: 1}") == ["values is the single value 1"]


def test_inputs_are_exactly_the_declared_ones() -> None:
    good = "x: {zeros: true, shape: [1, 4]}"
    assert said(f"{good}, zebra: {{zeros: true, shape: [1]}}") == ["unknown input 'zebra'"]
    assert said("zebra: {zeros: true, shape: [1]}") == [
        "unknown input 'zebra'",
        "case 'ramp' gives no input 'x'",
    ]
    assert said("X: {zeros: true, shape: [1, 4]}") == ["unknown input 'X'"]


def test_undeclared_inputs_are_free_but_not_mixed() -> None:
    def undeclared(inputs: str) -> list[str]:
        found = document(signature="", reference=case(inputs))
        return [each.message for each in meaning.check(Manifest.from_data(found.data), found)]

    assert undeclared("a: {values: [1, 2.5]}, b: {zeros: true, shape: [2, 7]}") == []
    assert undeclared("a: {values: [1, b]}") == ["values mix integers and strings"]
    assert undeclared("a: {zeros: true, shape: [1]}, b: {zeros: true, shape: [2]}") == [
        "input 'b' has batch size 2, but 'a' has 1"
    ]


def test_names_are_unique() -> None:
    found = document(
        signature="input_signature:\n"
        "  - {name: x, shape: [null, 4], dtype: float32}\n"
        "  - {name: x, shape: [null], dtype: int32}\n",
        reference="reference_inputs:\n  - {name: a, file: a.npz}\n  - {name: a, file: b.npz}\n",
    )
    problems = meaning.check(Manifest.from_data(found.data), found)
    assert [(each.line, each.message) for each in problems] == [
        (8, "duplicate input 'x', first on line 7"),
        (11, "duplicate case 'a', first on line 10"),
    ]
