"""A new version whose payload is that of the last: it is copied, and nothing is started."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from artifactbuild import pipeline, same_payload, verification
from artifactbuild.job import Job, job
from artifactbuild.manifest.load import load
from artifactbuild.outcome import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.release import lock, record, revisions
from artifactbuild.release.digest import of_folder
from artifactbuild.review import drift
from artifactbuild.targets import of_manifest
from artifactbuild.worker.server import Server
from tests.hints.following import follow

Copy = Callable[[Path], Path]
Build = Callable[[Path], Outcome]

DENSE = Path(__file__).parent / "samples" / "dense"
NOTES = "metadata: {notes: Trained again., training: {epochs: 3}}\n"


class NoServer(Server):
    """A server that must not be asked for anything."""

    def run(self, *args: object, **options: object) -> object:  # type: ignore[override]
        raise AssertionError("a worker was started")


@pytest.fixture
def released(copied: Copy, build: Build) -> Path:
    manifest = copied(DENSE)
    text = manifest.read_text()
    manifest.write_text(text.replace("[savedmodel, keras, h5, weights]", "[keras, weights]"))
    build(manifest)
    return manifest


def work(manifest: Path) -> Job:
    return job(load(manifest), None)


def bump(manifest: Path, text: str = NOTES) -> None:
    content = manifest.read_text()
    assert "version: v1" in content
    manifest.write_text(content.replace("version: v1", "version: v2") + text)


def built(manifest: Path) -> Outcome:
    return pipeline.build(work(manifest), NoServer(), lambda text: None).outcome


def test_payload_of_the_last_version_is_reused(released: Path, build: Build) -> None:
    before = {n: of_folder(work(released).folder(n)) for n in ("keras", "weights")}
    bump(released)
    assert not pipeline.needs_workers(work(released))
    outcome = built(released)
    assert [(r.format, r.outcome, r.note) for r in outcome.results] == [
        ("keras", "published", "the payload is that of v1, only texts changed since"),
        ("weights", "published", "the payload is that of v1, only texts changed since"),
    ]
    own = work(released)
    assert own.memory is not None
    for format, files in before.items():
        after = of_folder(own.folder(format))
        assert own.memory.artifacts[format].is_payload(files)
        assert {n for n in files if files[n] != after[n]} == {"metadata.json", "MODEL_CARD.md"}
    made = record.read(own.folder("keras"))
    assert (made.version, made.notes) == ("v2", "Trained again.")
    assert made.training == {"optimizer": "Adam", "loss": "mse", "metrics": ["mae"], "epochs": 3}
    assert drift.find(own) == ()
    assert [verification.held(each).verdict for each in of_manifest(own)] == ["whole", "whole"]
    files = {n: each.files for n, each in own.memory.artifacts.items()}
    shutil.rmtree(own.store.root)
    build(released)
    assert {n: of_folder(own.folder(n)) for n in files} == files, "a rebuild gives the same files"


def test_payload_that_changes_meanwhile_is_read_again(released: Path, tmp_path: Path) -> None:
    before = record.read(work(released).folder("keras"))
    bump(released)
    staged = tmp_path / "staged"
    staged.mkdir()
    with pytest.raises(Refusal) as refused:
        same_payload.taken(work(released), replace(before, notes="As it was."), staged, "")
    assert refused.value.problems[0].message == "keras of v1 changed while it was read"
    follow(str(refused.value), "run the command again")
    assert [result.outcome for result in built(released).results] == ["published"] * 2


@pytest.mark.parametrize(
    "what", ["inputs", "options", "formats", "damage", "unpublished", "numpy", "writer"]
)
def test_other_changes_are_built(
    released: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bump(released, "seed: 8\n" if what == "inputs" else NOTES)
    own = work(released)
    keras = own.store.folder(own.name, "keras", "v1")
    if what == "options":
        released.write_text(released.read_text() + "validation: {tolerance: {atol: 0.001}}\n")
    elif what == "formats":
        text = released.read_text()
        released.write_text(text.replace("[keras, weights]", "[keras, weights, h5]"))
    elif what == "damage":
        (keras / "model.keras").chmod(0o644)
        (keras / "model.keras").write_bytes(b"other")
    elif what == "unpublished":
        shutil.rmtree(keras)
    elif what == "writer":
        monkeypatch.setattr(revisions, "CURRENT", {**revisions.CURRENT, "keras": 2})
    elif what == "numpy":
        path = lock.path_of(released)
        data = json.loads(path.read_text())
        data["environment"]["numpy"] = "0.1"
        path.write_text(json.dumps(data))
    assert pipeline.needs_workers(work(released))
    with pytest.raises(AssertionError, match="a worker was started"):
        built(released)
