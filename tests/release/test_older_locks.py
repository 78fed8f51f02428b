"""Locks that artifactbuild wrote before it kept the facts of a release: they stay valid."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from artifactbuild import verification
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.outcome import Outcome
from artifactbuild.release import diff, lock
from artifactbuild.release.diff.nouns import Outputs, Side
from artifactbuild.release.lock import Lock
from artifactbuild.review import drift
from artifactbuild.targets import of_manifest

LOCKS = Path(__file__).parent / "locks"
MODELS = Path(__file__).parents[2] / "manifests"
NAMES = ("digits", "my_model")


@pytest.mark.parametrize("name", NAMES)
def test_older_lock_is_read_and_written_as_it_was(name: str) -> None:
    raw = (LOCKS / f"{name}.lock.json").read_bytes()
    read = lock.parsed(raw, "lock")
    assert read.release is None
    assert lock.text(read).encode() == raw
    assert read.accepted == read.environment


@pytest.mark.parametrize("name", NAMES)
def test_older_lock_and_one_with_facts_differ_in_nothing_that_diff_reports(name: str) -> None:
    raw = (LOCKS / f"{name}.lock.json").read_bytes()
    older = lock.parsed(raw, "lock")
    data = json.loads(raw)
    data["release"] = {
        "figures": [],
        "inputs": data["inputs"],
        "metadata": {"notes": "Kept."},
        "revisions": {"metadata": 1},
        "values": [],
    }
    newer = lock.parsed(json.dumps(data).encode(), "lock")
    found = diff.make(_side(older), _side(newer), Outputs())
    assert replace(found, after=_side(older)) == diff.make(_side(older), _side(older), Outputs())


def _side(each: Lock) -> Side:
    return Side(
        label="here", file="lock", model=each.model, version=each.version, lock=each, records={}
    )


def test_version_of_an_older_lock_is_built_without_a_bump(
    project: Path, build: Callable[[Path], Outcome]
) -> None:
    folder = project / "manifests" / "my_model"
    folder.mkdir(parents=True)
    manifest = folder / "model.artifact.yaml"
    shutil.copy(MODELS / "my_model" / "model.py", folder)
    shutil.copy(LOCKS / "my_model.yaml", manifest)
    shutil.copy(LOCKS / "my_model.lock.json", lock.path_of(manifest))
    before = lock.path_of(manifest).read_bytes()
    outcome = build(manifest)
    assert {result.outcome for result in outcome.results} <= {
        "published",
        "published (outputs computed on this processor)",
    }
    assert not outcome.lock_changed
    assert lock.path_of(manifest).read_bytes() == before
    own = job(load(manifest), None)
    assert [each.name for each in drift.find(own) if each.name != "environment-changed"] == []
    assert {verification.held(target).verdict for target in of_manifest(own)} == {"whole"}
