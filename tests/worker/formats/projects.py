"""Small projects for the tests of formats: a model's source and a manifest that builds it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artifactbuild import pipeline
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.problems import Refusal
from artifactbuild.worker.server import Server

HEAD = "import keras\nimport numpy as np\nfrom keras import layers\n\n"

TWO_INPUTS = """
def make_model():
    inputs = {"b": keras.Input((4,), name="b"), "a": keras.Input((3,), name="a")}
    x = layers.Concatenate()([inputs["a"], inputs["b"]])
    x = layers.Dropout(0.5)(layers.Dense(8, activation="gelu")(x))
    outputs = {"z": layers.Dense(2, name="z")(x), "y": layers.Dense(3, name="y")(x)}
    return keras.Model(inputs, outputs)
"""
TWO_CASES = """\
reference_inputs:
  - {name: rows, a: {normal: true, shape: [8, 3]}, b: {normal: true, shape: [8, 4], seed: 1}}
  - {name: one, a: {normal: true, shape: [1, 3]}, b: {normal: true, shape: [1, 4], seed: 1}}
"""


def chain(inputs: str, *stages: str, before: str = "") -> str:
    """Give the source of a model of one input through some layers, written as they are called."""
    calls = "".join(f"    x = {stage}(x)\n" for stage in stages)
    return (
        f"\ndef make_model():\n{before}    inputs = x = keras.Input({inputs}, name='x')\n{calls}"
        "    return keras.Model(inputs, x)\n"
    )


def project(folder: Path, source: str, formats: str, rest: str) -> Path:
    """Write a project; return its manifest."""
    (folder / "model.py").write_text(HEAD + source)
    manifest = folder / "model.artifact.yaml"
    manifest.write_text(
        "schema_version: 1\nname: sample\nversion: v1\nfactory: model:make_model\n"
        f"formats: {formats}\n{rest}"
    )
    return manifest


def case(generator: str) -> str:
    """Give the reference inputs of one case for the input `x`."""
    return f"reference_inputs:\n  - {{name: rows, x: {generator}}}\n"


def published(manifest: Path, format: str) -> Path:
    """Give the folder of what was published."""
    return manifest.parent / "artifacts" / "sample" / format / "v1"


def reference(manifest: Path, format: str, name: str = "rows") -> tuple[Any, Any, Any]:
    """Give inputs, outputs of the model and of its traced graph, by name, for one case."""
    with np.load(published(manifest, format) / "reference.npz") as arrays:
        found = {
            kind: {
                key.split("/", 2)[2]: arrays[key]
                for key in arrays.files
                if key.startswith(f"{name}/{kind}/")
            }
            for kind in ("inputs", "eager", "graph")
        }
    return found["inputs"], found["eager"], found["graph"]


def said(refusal: Refusal) -> list[str]:
    """Give the messages of a refusal, which are single lines."""
    messages = [problem.message for problem in refusal.problems]
    assert all("\n" not in message and len(message) < 400 for message in messages)
    return messages


def in_two_processes(
    parent: Path, source: str, wishes: Sequence[str], rest: str, payload: str
) -> Iterator[tuple[bytes, bytes]]:
    """Give the payload's bytes of two builds, in a folder and an interpreter each, by formats."""
    contents: list[list[bytes]] = []
    for name in ("first", "a-second"):
        with Server() as server:
            contents.append(
                [_built(parent / name, source, each, rest, server, payload) for each in wishes]
            )
    yield from zip(*contents, strict=True)


def _built(
    folder: Path, source: str, formats: str, rest: str, server: Server, payload: str
) -> bytes:
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    manifest = project(folder, source, formats, rest)
    pipeline.build(job(load(manifest), None), server, lambda text: None)
    content = (folder / "artifacts" / "sample" / payload).read_bytes()
    shutil.rmtree(folder)
    return content
