"""What only a worker can measure: weights in payloads, answers to questions of a later release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from artifactbuild import pipeline
from artifactbuild.cli import run
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.review import comparing, places
from artifactbuild.review.places import Pair
from artifactbuild.worker.server import Server

MODEL = """\
import keras


def make_model(value: float) -> keras.Model:
    inputs = keras.Input((4,), name="x")
    kernel = keras.initializers.Constant(value)
    outputs = keras.layers.Dense(1, kernel_initializer=kernel, name="y")(inputs)
    return keras.Model(inputs, outputs)
"""

MANIFEST = """\
schema_version: 1
name: sums
version: {version}
factory: model:make_model
kwargs: {{value: {value}}}
formats: [keras, h5, savedmodel]
reference_inputs:
  - name: rows
    x: {{values: {rows}}}
"""

V1, V2 = ("artifacts/sums/keras/v1", "artifacts/sums/keras/v2")


@pytest.fixture(scope="module")
def project(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Release a model of twos, and one of threes that is asked something else."""
    folder = tmp_path_factory.mktemp("sums")
    (folder / "pyproject.toml").touch()
    (folder / "model.py").write_text(MODEL)
    manifest = folder / "model.artifact.yaml"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for version, value, rows in (
            ("v1", 2.0, "[[1.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]]"),
            ("v2", 3.0, "[[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, 1.0]]"),
        ):
            manifest.write_text(MANIFEST.format(version=version, value=value, rows=rows))
            pipeline.build(job(load(manifest), None), server, lambda text: None)
            lock = manifest.with_suffix(".lock")
            lock.rename(folder / f"{version}.lock")
        yield folder


@pytest.fixture
def pair(project: Path) -> Pair:
    ((before, after),) = places.pairs(("v1.lock", "v2.lock"), (), project, None)
    assert before is not None
    assert after is not None
    assert list(before.folders) == list(after.folders) == ["h5", "keras", "savedmodel"]
    return before, after


def only(pair: Pair, before: str, after: str) -> Pair:
    """Leave one format at hand on each side."""
    left, right = pair
    assert left is not None
    assert right is not None
    return (
        replace(left, folders={before: left.folders[before]}),
        replace(right, folders={after: right.folders[after]}),
    )


@pytest.mark.parametrize(
    ("before", "after"), [("keras", "savedmodel"), ("h5", "keras"), ("savedmodel", "h5")]
)
def test_weights_are_weighed_from_whichever_payload_holds_them(
    pair: Pair, server: Server, tmp_path: Path, before: str, after: str
) -> None:
    found = comparing.difference(pair)
    far = comparing.weighed(found, only(pair, before, after), server, tmp_path / "log")
    assert far.layers is not None
    assert [(each.layer, each.relative) for each in far.layers.retrained] == [("y", 0.5)]


def test_tensors_that_are_not_those_of_the_record_are_not_weighed(
    pair: Pair, server: Server, tmp_path: Path, project: Path
) -> None:
    before, after = only(pair, "h5", "h5")
    assert before is not None
    assert after is not None
    copy = tmp_path / "h5"
    copy.mkdir()
    for file in before.folders["h5"].iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "model.h5").write_bytes((after.folders["h5"] / "model.h5").read_bytes())
    other = replace(before, folders={"h5": copy})
    far = comparing.weighed(comparing.difference(pair), (other, after), server, tmp_path / "log")
    assert far.layers is not None
    assert [each.relative for each in far.layers.retrained] == [None]


def test_model_of_before_is_asked_the_new_questions(
    pair: Pair, server: Server, tmp_path: Path
) -> None:
    found = comparing.difference(pair)
    assert found.outputs.why_not == "the reference inputs are not the same"
    (moved,) = comparing.asked(found, pair, server, tmp_path / "log").outputs.changes
    assert (moved.largest, moved.mean, moved.scale) == (10.0, 6.0, 20.0)


def test_question_that_cannot_be_answered_is_said(
    pair: Pair, server: Server, tmp_path: Path
) -> None:
    before, after = pair
    assert before is not None
    made = before.side.records["savedmodel"]
    loaders = tuple(replace(each, code="raise KeyError('gone')") for each in made.loaders)
    side = replace(before.side, records={"savedmodel": replace(made, loaders=loaders)})
    broken = (replace(before, side=side), after)
    found = comparing.asked(comparing.difference(pair), broken, server, tmp_path / "log")
    assert found.outputs.why_not == (
        "not compared: asked the new questions, the model of before raised KeyError: 'gone'"
    )


def test_folders_of_versions_can_be_compared(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["diff", V1, V2]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("sums v1 → v2: 1 layer changed, contract unchanged; proven by ")
    assert "  changed  y  Dense  kernel_initializer " in shown


def test_what_was_measured_is_told(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["diff", "--weights", "--outputs", V1, V2]) == 0
    shown = capsys.readouterr().out
    assert "weights, |after - before| / |before|\n  y  50 %\n" in shown
    assert "output moved by at most 10, 6 on average, on values up to 20\n" in shown
