"""`build --repair` on a real build: the bytes of the lock, or nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import pipeline
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.outcome import Outcome
from artifactbuild.pipeline import Wish
from artifactbuild.problems import Refusal
from artifactbuild.release.digest import of_folder
from artifactbuild.worker.server import Server

Copy = Callable[[Path], Path]
Build = Callable[[Path], Outcome]
Repair = Callable[[Path], Outcome]

DENSE = Path(__file__).parent / "samples" / "dense"


@pytest.fixture
def manifest(copied: Copy, build: Build) -> Path:
    """Build two formats."""
    manifest = copied(DENSE)
    text = manifest.read_text()
    manifest.write_text(text.replace("[savedmodel, keras, h5, weights]", "[keras, weights]"))
    build(manifest)
    return manifest


@pytest.fixture
def repair(server: Server) -> Repair:
    def repaired(manifest: Path) -> Outcome:
        work = job(load(manifest), None)
        return pipeline.build(work, server, lambda text: None, Wish(repair=True)).outcome

    return repaired


def version(manifest: Path, format: str) -> Path:
    return manifest.parents[1] / "artifacts" / "dense" / format / "v1"


def told(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [(result.format, result.outcome, result.note) for result in outcome.results]


def test_damaged_version_is_replaced_by_the_bytes_of_the_lock(
    manifest: Path, repair: Repair, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, folder = manifest.parents[1], version(manifest, "keras")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", project]
    (project / ".gitignore").write_text("artifacts/\n__pycache__/\n")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Release"]):
        subprocess.run([*git, *command], check=True)
    before, kept = of_folder(folder), version(manifest, "weights").stat().st_ctime_ns
    (folder / "model.keras").unlink()
    (folder / "metadata.json").chmod(0o644)
    (folder / "metadata.json").write_text("{}")
    (folder / "more.txt").write_text("more")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "77")
    assert told(repair(manifest)) == [
        (
            "keras",
            "repaired",
            "what was there instead is kept in artifacts/.damaged/dense/keras/v1: metadata.json, "
            "more.txt",
        ),
        ("weights", "up to date", ""),
    ]
    assert of_folder(folder) == before
    assert version(manifest, "weights").stat().st_ctime_ns == kept
    status = subprocess.run([*git, "status", "--short"], capture_output=True, check=True)
    assert status.stdout == b""
    assert told(repair(manifest)) == [("keras", "up to date", ""), ("weights", "up to date", "")]


def test_damaged_and_missing_formats_are_built_at_once(manifest: Path, repair: Repair) -> None:
    (version(manifest, "keras") / "reference.npz").unlink()
    shutil.rmtree(version(manifest, "weights"))
    assert told(repair(manifest)) == [("keras", "repaired", ""), ("weights", "published", "")]
    assert not (manifest.parents[1] / "artifacts" / ".damaged").exists()


def test_other_bytes_than_the_lock_names_replace_nothing(
    manifest: Path, repair: Repair, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = version(manifest, "keras")
    (folder / "model.keras").unlink()
    (folder / "mine.txt").write_text("mine")
    before = of_folder(folder)
    path = manifest.with_suffix(".lock")
    data = json.loads(path.read_text())
    digest, data["artifacts"]["keras"]["files"]["model.keras"] = (
        data["artifacts"]["keras"]["files"]["model.keras"],
        "0" * 64,
    )
    path.write_text(json.dumps(data))
    with pytest.raises(Refusal) as found:
        repair(manifest)
    (problem,) = found.value.problems
    assert problem.message == (
        f"keras was not repaired, artifacts/dense/keras/v1 is as it was: model.keras is {digest}, "
        f"the lock of v1 says {'0' * 64}"
    )
    assert problem.hint.startswith("the factory gives another model each time")
    data["environment"]["keras"] = "9.9"
    path.write_text(json.dumps(data))
    with pytest.raises(Refusal) as found:
        repair(manifest)
    hint = found.value.problems[0].hint
    assert hint.startswith("the environment is not that of the lock (keras 9.9 → ")
    assert "move artifacts/dense/keras/v1 elsewhere and run `artifactbuild build --accept" in hint
    assert of_folder(folder) == before
    assert found.value.kept == "artifacts/.failed/dense/v1"


def test_command_says_what_it_repaired_and_hashes_what_looks_the_same(
    manifest: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad disk changes bytes, and no looks: here, the index is made to believe so."""
    from artifactbuild.cli import run
    from artifactbuild.index import entries

    assert run(["build"]) == run(["check"]) == 0
    folder = version(manifest, "keras")
    content = (folder / "model.keras").read_bytes()
    monkeypatch.setattr(entries.Place, "stands", lambda place, entry: True)
    (folder / "model.keras").chmod(0o644)
    (folder / "model.keras").write_bytes(content[::-1])
    capfd.readouterr()
    assert run(["check"]) == 0
    assert run(["build", "--repair"]) == 0
    out, err = capfd.readouterr()
    assert "  keras    repaired    " in out
    kept = "what was there instead is kept in artifacts/.damaged/dense/keras/v1: model.keras"
    assert f"  keras: {kept}\n" in err
    assert (folder / "model.keras").read_bytes() == content
