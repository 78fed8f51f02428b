"""A project whose files are damaged one after another, and the verbs that are run on it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from artifactbuild.cli import run
from tests import outputs
from tests.fuzz import mutations
from tests.release import kept

FORMATS = ("h5", "keras")

RICH: Mapping[str, Any] = {
    "schema_version": 1,
    "name": "dense",
    "version": "v1",
    "factory": "model:make_model",
    "kwargs": {"units": 16, "names": ["a", "b"], "deep": {"x": [1.5, None]}},
    "seed": 1,
    "weights": {"path": "w.h5", "sha256": hashlib.sha256(b"w").hexdigest()},
    "custom_objects": ["model:make_model"],
    "signatures": {"classify": "model:make_model"},
    "assets": ["labels.txt"],
    "evaluate": {"file": "rows.npz", "metrics": ["mae"]},
    "formats": {
        "keras": {"tolerance": {"atol": 1e-5}},
        "h5": {},
        "tflite": {"quantization": "int8", "calibration": "rows.npz"},
    },
    "input_signature": [{"name": "x", "shape": [None, 4], "dtype": "float32"}],
    "reference_inputs": [
        {"name": "rows", "x": {"normal": True, "shape": [8, 4]}},
        {"name": "given", "x": {"values": [[1, 2, 3, 4]]}},
        {"name": "stored", "file": "rows.npz"},
    ],
    "validation": {"tolerance": {"atol": 0.1, "rtol": 0.1}, "resume_steps": 2},
    "metadata": {
        "about": {"license": "mit", "tags": ["a"], "intended_use": "tests", "limits": "none"},
        "training": {"optimizer": "Adam"},
        "data": {"dataset_id": "x"},
        "evaluation": {"mae": 0.5},
        "notes": "words",
    },
}
"""A manifest with every key but `card`, whose template would cost a process for each case."""


class Broken(AssertionError):
    """A verb ended with exit 3, or showed what no output may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The project, and its sound files."""

    project: Path
    manifest: Mapping[str, Any]
    lock: Mapping[str, Any]
    record: Mapping[str, Any]
    card: bytes

    @property
    def folder(self) -> Path:
        return self.project / "artifacts" / "dense" / "keras" / "v1"

    @property
    def place(self) -> Path:
        return self.project / "dense" / "model.artifact.yaml"


def laid_out(project: Path) -> Ground:
    """Lay a project out, in which two formats are published."""
    kept.lay_out(project)
    for folder in (project / "artifacts" / "dense").iterdir():
        if folder.name not in FORMATS:
            shutil.rmtree(folder)
    place = project / "dense" / "model.artifact.yaml"
    manifest = {**yaml.safe_load(place.read_text()), "formats": list(FORMATS)}
    (place.parent / "w.h5").write_bytes(b"w")
    (place.parent / "labels.txt").write_bytes(b"w")
    (place.parent / "rows.npz").write_bytes(b"no archive")
    ground = Ground(
        project=project,
        manifest=manifest,
        lock=json.loads(place.with_suffix(".lock").read_text()),
        record=json.loads((project / "artifacts/dense/keras/v1/metadata.json").read_text()),
        card=(project / "artifacts/dense/keras/v1/MODEL_CARD.md").read_bytes(),
    )
    restore(ground)
    return ground


def restore(at: Ground) -> None:
    """Bring the sound files back."""
    at.place.write_bytes(mutations.text_of(at.manifest))
    at.place.with_suffix(".lock").write_bytes(mutations.text_of(at.lock))
    put_record(at, mutations.text_of(at.record))
    (at.folder / "MODEL_CARD.md").write_bytes(at.card)


def put_record(at: Ground, raw: bytes) -> None:
    """Put a record down, and a lock that names it."""
    (at.folder / "metadata.json").write_bytes(raw)
    lock = json.loads(json.dumps(at.lock))
    lock["artifacts"]["keras"]["files"]["metadata.json"] = hashlib.sha256(raw).hexdigest()
    at.place.with_suffix(".lock").write_bytes(mutations.text_of(lock))


def verbs(number: int) -> list[list[str]]:
    """Return the commands of a case; the ways of telling take turns."""
    lock, record = "dense/model.artifact.lock", "artifacts/dense/keras/v1"
    sides = [[lock, "dense/model.artifact.yaml"], [record, lock], ["artifacts/dense/h5/v1", record]]
    return [
        ["check", *([], ["--json"], ["--format", "github"])[number % 3]],
        ["plan", *(["--json"], ["--format", "github"], [])[number % 3]],
        ["show", *([], ["--json"])[number % 2]],
        ["card", "--format", "keras", *([], ["--json"])[number // 2 % 2]],
        ["diff", *sides[number % 3], *([], ["--markdown"], ["--json"])[number // 3 % 3]],
        *([["site", "artifacts", "dense", "--output", "pages"]] if number % 3 == 0 else []),
        ["verify", *([], ["--json"], [record])[number % 3]],
    ]


def judge(commands: Sequence[Sequence[str]], project: Path, number: int = 0) -> None:
    """Run commands; raise Broken at exit 3, or where an output holds what it may not."""
    for command in commands:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(command)
        said = out.getvalue(), err.getvalue()
        if code not in (0, 1):
            raise Broken(f"{command} ended with {code}:\n{said[1][-3000:]}")
        found = [fault for text in said for fault in outputs.faults(text)]
        if "--markdown" in command or (command[0] == "card" and "--json" not in command):
            found += outputs.markdown_faults(said[0])
        if command[0] == "site" and code == 0:
            found += outputs.page_faults(project / "pages", parse=number % 2 == 0)
        if code == 1 and not any(said):
            found.append("exit 1 without a word")
        if found:
            raise Broken(f"{command}: {found}")
    shutil.rmtree(project / "pages", ignore_errors=True)
    with contextlib.suppress(OSError):
        (project / "artifacts" / ".index").unlink()
