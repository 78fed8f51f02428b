"""A manifest's nouns: complete, frozen, the same each time."""

from __future__ import annotations

import dataclasses
import json

import pytest

from artifactbuild.manifest.model import Generator, Manifest, Target, Tensor, Tolerance
from tests.manifest.manifests import case, document


def manifest(rest: str = "", **parts: str) -> Manifest:
    """Read a good manifest."""
    return Manifest.from_data(document(rest, **parts).data)


def test_left_out_keys_have_defaults() -> None:
    found = manifest(signature="")
    assert found.factory == Target(module="model", attribute="make_model")
    assert (found.seed, found.kwargs, found.weights, found.custom_objects) == (0, {}, None, ())
    assert (found.input_signature, found.notes, found.card_template) == ((), "", None)
    assert found.validation.tolerance == Tolerance(atol=1e-6, rtol=1e-5)
    assert found.validation.resume_steps == 3


def test_given_keys_are_kept() -> None:
    found = manifest(
        "seed: 7\nkwargs: {units: 16}\ncustom_objects: [a.b:C]\ncard: {template: t.j2}\n"
        f"weights: {{path: w.h5, sha256: {'a' * 64}}}\nmetadata: {{training: {{epochs: 3}}}}\n"
    )
    assert (found.seed, found.kwargs, found.card_template) == (7, {"units": 16}, "t.j2")
    assert [str(each) for each in found.custom_objects] == ["a.b:C"]
    assert found.weights is not None
    assert found.weights.path == "w.h5"
    assert found.training == {"epochs": 3}
    assert found.input_signature == (Tensor(name="x", shape=(None, 4), dtype="float32"),)


def test_formats_come_in_the_schemas_order_however_they_are_asked_for() -> None:
    asked = [
        "formats: [weights, h5, savedmodel]\n",
        "formats: {weights: , h5: {}, savedmodel: {}}\n",
    ]
    listed, mapped = (manifest(formats=each).formats for each in asked)
    assert [each.name for each in listed] == ["savedmodel", "h5", "weights"]
    assert listed == mapped


def test_most_specific_tolerance_wins() -> None:
    (found,) = manifest(
        "validation: {tolerance: {atol: 1.0e-2}}\n",
        formats="formats: {keras: {tolerance: {rtol: 1}}}\n",
    ).formats
    assert found.options == {"tolerance": {"atol": 0.01, "rtol": 1.0}}


@pytest.mark.parametrize(
    ("said", "options", "expected"),
    [
        ("", "{}", {"atol": 1e-5, "rtol": 1e-5}),
        ("validation: {tolerance: {rtol: 1.0e-3}}\n", "{}", {"atol": 1e-5, "rtol": 1e-3}),
        ("validation: {tolerance: {atol: 1.0e-9}}\n", "{}", {"atol": 1e-9, "rtol": 1e-5}),
        (
            "validation: {tolerance: {atol: 1.0e-9}}\n",
            "{quantization: int8, tolerance: {atol: 0.5}}",
            {"atol": 0.5, "rtol": 0.1},
        ),
    ],
)
def test_what_is_said_of_all_formats_goes_before_a_formats_default(
    said: str, options: str, expected: dict[str, float]
) -> None:
    (found,) = manifest(said, formats=f"formats: {{tflite: {options}}}\n").formats
    assert found.options["tolerance"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{linspace: [0, 1], shape: [2]}", ("linspace", (0.0, 1.0), (2,), 0)),
        ("{zeros: true, shape: [2]}", ("zeros", (), (2,), 0)),
        ("{shape: [2], seed: 5, normal: true}", ("normal", (0.0, 1.0), (2,), 5)),
        ("{normal: {stddev: 2}, shape: [2]}", ("normal", (0.0, 2.0), (2,), 0)),
        ("{integers: [0, 9], shape: [2, 3]}", ("integers", (0, 9), (2, 3), 0)),
        ("{values: [[1, 2], [3, 4], [5, 6]]}", ("values", ((1, 2), (3, 4), (5, 6)), (3, 2), 0)),
        ("{values: hello, shape: [2]}", ("values", "hello", (2,), 0)),
    ],
)
def test_generators_are_read(text: str, expected: tuple[object, ...]) -> None:
    (found,) = manifest(reference=case(f"x: {text}")).reference_inputs
    ((name, generator),) = found.inputs
    assert name == "x"
    assert generator == Generator(
        **dict(zip(("kind", "arguments", "shape", "seed"), expected, strict=True))  # type: ignore[arg-type]
    )


def test_reference_file_has_no_generators() -> None:
    (found,) = manifest(reference=case("file: a.npz")).reference_inputs
    assert (found.name, found.file, found.inputs) == ("ramp", "a.npz", ())


def test_reading_is_pure_and_survives_json() -> None:
    data = document("kwargs: {a: [1]}\n").data
    before = json.dumps(data)
    first = Manifest.from_data(data)
    first.kwargs["a"].append(2)
    assert json.dumps(data) == before
    assert Manifest.from_data(json.loads(before)) == Manifest.from_data(data)


def test_manifest_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        manifest().seed = 3  # type: ignore[misc]


def test_target_reads_what_it_writes() -> None:
    assert str(Target.parse("a.b:c")) == "a.b:c"
