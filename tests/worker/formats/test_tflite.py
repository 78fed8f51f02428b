"""TFLite: proven in the interpreter, by name, quantized, or refused in one line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import artifactbuild
from artifactbuild.manifest.load import load
from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.release import record
from tests.hints.following import follow
from tests.worker.formats import projects
from tests.worker.formats.projects import case, chain, published

Build = Callable[[Path], Outcome]
ROWS = case("{normal: true, shape: [32, 16]}")
DENSE = chain(
    "(16,)",
    "layers.Dense(64, activation='relu')",
    "layers.Dense(64, activation='relu')",
    "layers.Dense(2)",
)
QUANTIZATIONS = {
    "none": (0.0, 1e-6, 1e-5),
    "float16": (1e-6, 1e-3, 2e-3),
    "dynamic": (1e-4, 2e-2, 2e-2),
    "int8": (1e-4, 5e-2, 1e-1),
}
"""For each: the least and the most that its outputs differ here, and its tolerance."""


def test_names_and_batch_sizes_are_the_manifests(project: Path, build: Build) -> None:
    manifest = projects.project(project, projects.TWO_INPUTS, "[tflite]", projects.TWO_CASES)
    build(manifest)
    folder = published(manifest, "tflite")
    made = record.read(folder)
    assert [(c.loader, c.against, c.compare) for c in made.checks if c.loader != "model"] == [
        (loader, against, "allclose")
        for loader in ("interpreter", "artifactbuild")
        for against in ("graph", "eager")
    ]
    predict = artifactbuild.load(folder)
    for name in ("rows", "one"):
        inputs, eager, _ = projects.reference(manifest, "tflite", name)
        found = predict(inputs)
        assert set(found) == {"y", "z"}
        for output, values in eager.items():
            assert found[output] == pytest.approx(values, abs=1e-6)


@pytest.mark.parametrize("quantization", ["none", "int8"])
def test_bytes_do_not_depend_on_whether_a_savedmodel_is_asked_for(
    quantization: str, project: Path, build: Build
) -> None:
    tflite = f"tflite: {{quantization: {quantization}}}"
    found = []
    for name, formats in (("alone", f"{{{tflite}}}"), ("both", f"{{savedmodel: {{}}, {tflite}}}")):
        (project / name).mkdir()
        (project / name / "pyproject.toml").touch()
        manifest = projects.project(project / name, DENSE, formats, ROWS)
        build(manifest)
        found.append((published(manifest, "tflite") / "model.tflite").read_bytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_quantization_differs_as_much_as_is_known(
    quantization: str, project: Path, build: Build
) -> None:
    formats = f"{{tflite: {{quantization: {quantization}}}}}"
    manifest = projects.project(project, DENSE, formats, ROWS)
    build(manifest)
    made = record.read(published(manifest, "tflite"))
    check = next(c for c in made.checks if (c.loader, c.against) == ("interpreter", "graph"))
    least, most, tolerance = QUANTIZATIONS[quantization]
    assert check.max_abs is not None
    assert least <= check.max_abs <= most
    assert (check.atol, check.rtol) == (tolerance, tolerance)
    bound = {"none": 25_000, "float16": 14_000, "dynamic": 11_000, "int8": 11_000}[quantization]
    assert made.files["model.tflite"].size < bound


def test_own_tolerance_keeps_the_other_default(project: Path, build: Build) -> None:
    formats = "{tflite: {quantization: int8, tolerance: {atol: 1.0e-9}}}"
    manifest = projects.project(project, DENSE, formats, ROWS)
    options = load(manifest).manifest.formats[0].options
    assert options["tolerance"] == {"atol": 1e-9, "rtol": 0.1}
    with pytest.raises(Refusal) as refused:
        build(manifest)
    (message,) = projects.said(refused.value)
    assert message.startswith("tflite fails validation by 'interpreter' and 'artifactbuild': ")
    assert refused.value.problems[0].hint == (
        "reproduce_tflite_interpreter.py shows it again; `formats.tflite` allows "
        "1e-09 + 0.1 × |expected|, `tolerance:` of the format another"
    )
    follow(
        str(refused.value),
        "{} shows it again; `{}` allows {} + {} × |expected|, `tolerance:` of the format another",
    )
    manifest.write_text(manifest.read_text().replace("atol: 1.0e-9", "atol: 1.0"))
    assert build(manifest).results[0].outcome == "published"


def test_all_that_converters_refuse_is_told_at_once(project: Path, build: Build) -> None:
    source = chain("(4,)", "(lambda x: keras.ops.argmax(x, axis=-1))")
    manifest = projects.project(
        project, source, "[tflite, onnx]", case("{normal: true, shape: [8, 4]}")
    )
    with pytest.raises(Refusal) as refused:
        build(manifest)
    assert [message.split()[0] for message in projects.said(refused.value)] == ["tflite", "onnx"]


def test_calibration_sets_the_ranges_and_is_an_input(project: Path, build: Build) -> None:
    """Ranges taken from tiny inputs cut ordinary ones off."""
    np.savez(project / "tiny.npz", x=np.full((4, 16), 0.01, "float32"))
    formats = "{tflite: {quantization: int8, calibration: tiny.npz}}"
    with pytest.raises(Refusal) as refused:
        build(projects.project(project, DENSE, formats, ROWS))
    (message,) = projects.said(refused.value)
    assert "tflite fails validation" in message
    rows = np.random.default_rng(1).normal(0, 1.5, size=(64, 16)).astype("float32")
    np.savez(project / "tiny.npz", x=rows)
    manifest = projects.project(project, DENSE, formats, ROWS)
    build(manifest)
    assert "tiny.npz" in record.read(published(manifest, "tflite")).inputs.sources


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("gone.npz", "no file 'gone.npz'"),
        ("../out.npz", "'../out.npz' leads out of the project"),
    ],
)
def test_calibration_file_is_looked_for_first(project: Path, written: str, message: str) -> None:
    (project.parent / "out.npz").touch()
    formats = f"{{tflite: {{quantization: int8, calibration: {written}}}}}"
    with pytest.raises(Refusal) as refused:
        load(projects.project(project, DENSE, formats, ROWS))
    assert projects.said(refused.value) == [message]


def test_calibration_that_does_not_fit_is_said(project: Path, build: Build) -> None:
    np.savez(project / "other.npz", y=np.zeros((4, 16), "float32"))
    formats = "{tflite: {quantization: int8, calibration: other.npz}}"
    with pytest.raises(Refusal) as refused:
        build(projects.project(project, DENSE, formats, ROWS))
    (problem,) = refused.value.problems
    assert problem.message == (
        "case 'calibration': has the arrays ['y'], expected one for each input: ['x']"
    )
    assert problem.source is not None
    assert "other.npz" in problem.source


STRINGS = case("{values: [[a, b], [c, z], [b, a]]}")
VOCABULARY = (
    "    words = layers.TextVectorization(output_sequence_length=4)\n    words.adapt(['a b'])\n"
)
REFUSED: dict[str, tuple[str, str, str, str]] = {
    "operation without a kernel": (
        chain("(4,)", "layers.Dense(3)", "keras.ops.erf"),
        case("{normal: true, shape: [8, 4]}"),
        "",
        "tflite has no kernel for Erf; use savedmodel",
    ),
    "text": (
        chain("(), dtype='string'", "words", "layers.Embedding(9, 2)", before=VOCABULARY),
        case("{values: [a b, b, c]}"),
        "",
        "tflite has no kernel for RaggedTensorToTensor, StaticRegexReplace, StringLower, "
        "StringSplitV2; use savedmodel",
    ),
    "loop over an open batch": (
        chain("(5, 3)", "layers.LSTM(4)"),
        case("{normal: true, shape: [8, 5, 3]}"),
        "",
        "tflite runs a loop over time only with a fixed batch",
    ),
    "state": (
        chain("(5, 3), batch_size=2", "layers.LSTM(4, stateful=True)"),
        case("{normal: true, shape: [2, 5, 3]}"),
        "",
        "tflite cannot keep the state that the model changes when it answers; use savedmodel",
    ),
    "calibration for nothing": (
        DENSE,
        ROWS,
        "quantization: dynamic, calibration: model.py",
        "tflite takes a calibration only with `quantization: int8`",
    ),
    "half precision": (
        chain("(4,)", "layers.Dense(3, dtype='bfloat16', name='half')"),
        case("{normal: true, shape: [8, 4]}") + "validation: {tolerance: {atol: 0.1}}\n",
        "",
        "tflite computes in float32, and 'half' in bfloat16; use savedmodel",
    ),
    "integers in Keras' own way": (
        chain("(4,)", "layers.Dense(3)").replace(
            "return keras.Model(inputs, x)",
            "model = keras.Model(inputs, x); model.quantize('int8'); return model",
        ),
        case("{normal: true, shape: [8, 4]}"),
        "",
        "tflite cannot be converted: 'tfl.fully_connected' op operand #0 must be tensor of 32-bit "
        "float or QI8 type or QUI8 type or QI16 type or QUI16 type values, "
        "but got 'tensor<?x4xi8>'",
    ),
    "loop in integers": (
        chain("(5, 3), batch_size=2", "layers.LSTM(4)"),
        case("{normal: true, shape: [2, 5, 3]}"),
        "quantization: int8",
        "tflite in int8 has no loops over time; use `quantization: dynamic`, or unroll them",
    ),
    "strings in integers": (
        chain(
            "(2,), dtype='string'",
            "layers.StringLookup(vocabulary=['a', 'b', 'c'])",
            "layers.Embedding(9, 2)",
        ),
        STRINGS,
        "quantization: int8",
        "tflite in int8 cannot calibrate on strings, as 'x' takes",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_it_cannot_hold_is_refused_in_one_line(kind: str, project: Path, build: Build) -> None:
    source, rest, options, expected = REFUSED[kind]
    manifest = projects.project(project, source, f"{{tflite: {{{options}}}}}", rest)
    with pytest.raises(Refusal) as refused:
        build(manifest)
    assert projects.said(refused.value) == [expected]
    assert not published(manifest, "tflite").exists()


def test_loop_with_a_fixed_batch_and_lookups_are_held(project: Path, build: Build) -> None:
    source = chain("(None, 3), batch_size=2", "layers.LSTM(4)", "layers.Dense(2)")
    signature = "input_signature: [{name: x, shape: [2, null, 3], dtype: float32}]\n"
    rest = signature + case("{normal: true, shape: [2, 5, 3]}")
    build(projects.project(project, source, "[tflite]", rest))


def test_strings_are_looked_up(project: Path, build: Build) -> None:
    source, rest, *_ = REFUSED["strings in integers"]
    build(projects.project(project, source, "[tflite]", rest))


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    formats = [f"{{tflite: {{quantization: {each}}}}}" for each in ("float16", "int8")]
    payload = "tflite/v1/model.tflite"
    for first, second in projects.in_two_processes(tmp_path, DENSE, formats, ROWS, payload):
        assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
        assert first.find(str(tmp_path).encode()) == -1


INFINITE = """
@keras.saving.register_keras_serializable("sample")
class Least(layers.Layer):
    def build(self, shape):
        self.most = self.add_weight(
            shape=(4,), initializer=keras.initializers.Constant({most}), name="most"
        )

    def call(self, x):
        return keras.ops.minimum(keras.ops.minimum(x, self.most), float("{constant}"))

def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, layers.Dense(2)(Least()(inputs)))
"""


@pytest.mark.parametrize(("most", "constant"), [("1e9", "inf"), ("float('inf')", "1e9")])
def test_infinite_numbers_become_the_largest_ones(
    most: str, constant: str, project: Path, build: Build
) -> None:
    source = INFINITE.format(most=most, constant=constant)
    rest = "custom_objects: [model:Least]\n" + case("{normal: true, shape: [8, 4]}")
    manifest = projects.project(project, source, "[tflite]", rest)
    build(manifest)
    content = (published(manifest, "tflite") / "model.tflite").read_bytes()
    assert np.float32("inf").tobytes() not in content
    assert np.finfo("float32").max.tobytes() in content
