"""Formats are proven while the builder is still at work on others."""

from __future__ import annotations

import sys
from pathlib import Path

from artifactbuild import pipeline, proving
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.plan import Step
from artifactbuild.release.record import Loader
from artifactbuild.worker.room import Room
from artifactbuild.worker.server import Server

MODEL = """\
import time
from pathlib import Path

import keras

CALLS = Path(__file__).parents[1] / "calls"


@keras.saving.register_keras_serializable(package="own")
class Patient(keras.layers.Dense):
    def save_own_variables(self, store):
        for _ in range(600):
            if (CALLS / "called_2").exists():
                break
            time.sleep(0.1)
        else:
            raise RuntimeError("no validator of weights began while keras was written")
        super().save_own_variables(store)


def make_model():
    calls = len(list(CALLS.glob("called_*")))
    (CALLS / f"called_{calls + 1}").touch()
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, Patient(2)(inputs))
"""
MANIFEST = """\
schema_version: 1
name: patient
version: v1
factory: model:make_model
custom_objects: [model:Patient]
formats: [keras, weights]
reference_inputs:
  - name: rows
    x: {normal: true, shape: [8, 4]}
"""


def test_a_format_is_validated_while_the_next_one_is_written(project: Path) -> None:
    (project.parent / "calls").mkdir()  # nothing can be written in the project
    (project / "model.py").write_text(MODEL, encoding="utf-8")
    manifest = project / "model.artifact.yaml"
    manifest.write_text(MANIFEST, encoding="utf-8")
    told: list[str] = []
    with Server(room=Room(2, sys.maxsize)) as server:
        outcome = pipeline.build(job(load(manifest), None), server, told.append).outcome
    assert [result.outcome for result in outcome.results] == ["published", "published"]
    written = told.index("writing keras")
    assert told.index("writing weights") < written < told.index("reference again")
    begun = [text for text in told[: told.index("reference again")] if "validating" in text]
    assert begun, "what was ready waited for the builder"
    assert {text.split()[1] for text in begun} == {"weights"}


def test_what_takes_long_begins_first() -> None:
    def pair(format: str, *restores: str, resumes: bool = False) -> proving.Pair:
        against = "eager" if restores else "graph"
        loader = Loader(
            name="any", summary="", code="", against=against, restores=restores, resumes=resumes
        )
        return Step(format=format, options={}, action="build", reason=""), loader

    factory, graph = pair("weights", "weight"), pair("savedmodel")
    model, training = pair("keras", "weight"), pair("h5", "weight", "optimizer", resumes=True)
    given = [graph, model, training, factory]
    assert sorted(given, key=proving.haste) == [factory, training, model, graph]
