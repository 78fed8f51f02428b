"""Models of many sorts, rebuilt under every condition of `reproduce --vary`: one table.

    python -m tests.benchmarks.variation_matrix [--models NAME,...] [--vary NAME,...]

Each model is built once, in every format that can hold it, and then rebuilt in a clean place under
each condition; those with `+` between them are had at once. Says each verdict as soon as it is
known, and prints a Markdown table at the end. Everything by itself takes an hour and more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from artifactbuild import pipeline
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.reproduction import again, released
from artifactbuild.reproduction.conditions import NAMES, named
from artifactbuild.reproduction.nouns import DIFFERS, FAILED, UNAVAILABLE, Reproduction
from artifactbuild.worker.server import Server
from tests.benchmarks import applications
from tests.kinds import prove
from tests.kinds.table import KINDS

ROOT = Path(__file__).parents[2]
NETWORK = "MobileNetV3Small"
OWN = ("my_model", "digits")
SORTS = ("text_vectorization", "lstm", "subclassed_trained", "multi_input_dict")
"""Vocabularies, a loop, a subclass with its own training step, a dict of inputs."""

MODELS = (*OWN, *SORTS, NETWORK.lower())
MORE = {"my_model": ("weights_h5", "tflite", "onnx"), "digits": ("weights_h5", "onnx")}
"""The formats that the models of this repository do not ask for themselves."""


def main(arguments: list[str]) -> None:
    """Build each model, rebuild it under each condition, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--vary", default=",".join(NAMES))
    given = parser.parse_args(arguments)
    names, conditions = given.models.split(","), [named(n) for n in given.vary.split(",")]
    cells: dict[tuple[str, str], str] = {}
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        project = prove.project(Path(folder) / "project")
        for name in names:
            manifest = _built(name, project, server)
            (work,) = released.from_tree([job(load(manifest), None)])
            formats = len(work.lock.artifacts)
            for found in again.reproduce(work, conditions, server, _silent, keep=False):
                cells[name, found.condition] = _cell(found, formats)
                print(f"{name}: {found.condition}: {cells[name, found.condition]}", flush=True)
    print(_table(names, [condition.summary for condition in conditions], cells))


def _built(name: str, project: Path, server: Server) -> Path:
    """Build a model in all formats that hold it; return its manifest."""
    if name in OWN:
        return _own(name, project, server)
    manifest = project / "manifests" / name / "model.artifact.yaml"
    if name == NETWORK.lower():
        manifest.parents[1].mkdir(parents=True, exist_ok=True)
        applications.proved(NETWORK, manifest.parents[1], server, [])
        return manifest
    (kind,) = (kind for kind in KINDS if kind.name == name)
    prove.prove(kind, project, server)
    return manifest


def _own(name: str, project: Path, server: Server) -> Path:
    folder = project / "manifests" / name
    unwanted = shutil.ignore_patterns("*.lock", "__pycache__")
    shutil.copytree(ROOT / "manifests" / name, folder, ignore=unwanted)
    manifest = folder / "model.artifact.yaml"
    more = "".join(f"  {format}: {{}}\n" for format in MORE[name])
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("  weights: {}\n", f"  weights: {{}}\n{more}"), "utf-8")
    pipeline.build(job(load(manifest), None), server, _silent)
    return manifest


def _cell(found: Reproduction, formats: int) -> str:
    if found.outcome == UNAVAILABLE:
        return f"not available: {found.note}"
    if found.outcome == FAILED:
        return f"not built: {found.problems[0].message}"
    if found.outcome == DIFFERS:
        differing = [each for each in found.compared if each.outcome == DIFFERS]
        first = differing[0].differences[0]
        return f"differs: {differing[0].name}: {first.file}: {first.what}"
    files = sum(each.files for each in found.compared)
    return f"{found.outcome}, {formats} formats, {files} files"


def _table(names: list[str], conditions: list[str], cells: Mapping[tuple[str, str], str]) -> str:
    lines = [f"| condition | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]
    for condition in conditions:
        row = " | ".join(cells[name, condition] for name in names)
        lines.append(f"| {condition} | {row} |")
    return "\n".join(lines)


def _silent(text: str) -> None:
    """Tell nobody."""
    del text


if __name__ == "__main__":
    main(sys.argv[1:])
