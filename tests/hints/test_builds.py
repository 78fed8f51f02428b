"""Hints that name a build, a bump or a repair are followed, in a released project."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.reproduction import released as sources
from tests.hints.following import follow, obey
from tests.hostile.ground import resealed
from tests.reproduction.projects import committed
from tests.review.test_drift import CASES, KERAS, edit, here, lock, released
from tests.review.test_drift_repaired import shared

pytestmark = pytest.mark.slow
__all__ = ["here", "released", "shared"]

MANIFEST = "model.artifact.yaml"
NO_LOCK = (
    "no lock says what it held: restore {}, or move {} elsewhere and run `artifactbuild build {}`"
)

Say = Callable[..., str]


@pytest.fixture
def refused(here: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command that fails; return what it says."""

    def said(*arguments: str) -> str:
        assert run(arguments) == 1
        return capsys.readouterr().err

    return said


def reproducible() -> None:
    """Take a released version for a rebuild; raises Refusal."""
    list(sources.from_tree([job(load(Path(MANIFEST)), None)]))


@pytest.mark.parametrize("verb", ["verify", "card"])
def test_what_is_not_published_is_built(here: Path, refused: Say, verb: str) -> None:
    shutil.rmtree("artifacts")
    (manifest,) = follow(refused(verb, MANIFEST), "run `artifactbuild build {}`")
    assert obey(f"artifactbuild build {manifest}") == 0
    assert run([verb, MANIFEST]) == 0


def test_damage_is_repaired(here: Path, refused: Say) -> None:
    Path(KERAS, "model.keras").unlink()
    for verb in ("build", "verify"):
        (command,) = follow(refused(verb, MANIFEST), "run `{}`")
    assert obey(command) == 0
    assert run(["build"]) == run(["verify"]) == run(["check"]) == 0


def test_changes_are_undone_before_damage_is_repaired(here: Path, refused: Say) -> None:
    Path(KERAS, "model.keras").unlink()
    edit("model.py", "adam", "sgd")(here)
    (command,) = follow(refused("build"), "undo the changes, then run `{}`")
    edit("model.py", "sgd", "adam")(here)
    assert obey(command) == 0
    assert run(["check"]) == 0


@pytest.mark.parametrize("way", ["restore", "move"])
def test_damage_that_no_lock_knows_is_moved_or_its_lock_restored(
    here: Path, refused: Say, way: str
) -> None:
    Path("model.artifact.lock").rename("away.lock")
    Path(KERAS, "model.keras").unlink()
    lock_shown, folder, manifest = follow(refused("build"), NO_LOCK)
    if way == "restore":
        Path("away.lock").rename(lock_shown)
        assert run(["build", "--repair"]) == 0
    else:
        Path(folder).rename("elsewhere")
        assert obey(f"artifactbuild build {manifest}") == 0
    assert run(["check"]) == 0


def test_changed_contract_is_bumped(here: Path, refused: Say) -> None:
    CASES["manifest-changed"][0](here)
    (manifest,) = follow(
        refused("build"), "a released version never changes: run `artifactbuild bump {}`"
    )
    assert obey(f"artifactbuild bump {manifest}") == 0
    assert run(["build"]) == run(["check"]) == 0


def test_notice_of_what_is_to_be_built(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree("artifacts")
    run(["plan", "--format", "github"])
    (manifest,) = follow(capsys.readouterr().out.replace("%0A", "\n"), "`artifactbuild build {}`")
    assert obey(f"artifactbuild build {manifest}") == 0
    assert run(["plan", "--exit-code"]) == 0


def test_model_without_a_lock_is_built_before_it_is_reproduced(here: Path, refused: Say) -> None:
    Path("model.artifact.lock").unlink()
    shutil.rmtree("artifacts")
    manifest, _ = follow(refused("reproduce"), "run `artifactbuild build {}` and commit {}")
    assert obey(f"artifactbuild build {manifest}") == 0
    committed("released")
    reproducible()


@pytest.mark.parametrize("way", ["revision", "build"])
def test_version_of_the_lock_is_reproduced_from_its_revision(
    here: Path, refused: Say, tmp_path: Path, way: str
) -> None:
    committed("released")
    assert run(["bump", "--all"]) == 0
    manifest, version, following = follow(
        refused("reproduce"),
        "run `artifactbuild reproduce {} --from REV`, with a revision that has {}; or "
        "`artifactbuild build` to release {}",
    )
    if way == "revision":
        (found,) = sources.from_revision((manifest,), None, "HEAD", tmp_path / "from")
        assert found.lock.version == version
    else:
        assert run(["build"]) == 0
        assert job(load(Path(MANIFEST)), None).lock.version == following  # type: ignore[union-attr]
        reproducible()


@pytest.mark.parametrize("way", ["tree", "revision"])
def test_revision_that_has_the_inputs_is_named(
    here: Path, refused: Say, tmp_path: Path, way: str
) -> None:
    committed("released")
    edit("model.py", "adam", "sgd")(here)
    if way == "tree":
        (manifest,) = follow(
            refused("reproduce"),
            "name the revision that has them: `artifactbuild reproduce {} --from REV`",
        )
        revision = "HEAD"
    else:
        committed("edited")
        (shown,) = follow(
            refused("reproduce", "--from", "HEAD"),
            "name the revision that has them: `artifactbuild reproduce {} --from another REV`",
        )
        manifest, revision = shown.removeprefix("HEAD:"), "HEAD~1"
    (found,) = sources.from_revision((manifest,), None, revision, tmp_path / "from")
    assert found.lock.version == "v1"


def test_what_is_no_revision_is_left_out_or_looked_up(
    here: Path, refused: Say, tmp_path: Path
) -> None:
    follow(refused("reproduce", "--from", "HEAD"), "leave out `--from`")
    reproducible()
    committed("released")
    follow(
        refused("reproduce", "--from", "v9"),
        "`git log --oneline` lists commits; one that is not here needs `git fetch`",
    )
    assert sources.from_revision((), None, "HEAD", tmp_path / "from")


def test_artifact_of_another_environment_is_held_against_its_record(
    here: Path, refused: Say
) -> None:
    CASES["artifact-unlike-lock"][0](here)
    resealed(Path(KERAS))
    said = refused("verify", MANIFEST)
    _, folder = follow(
        said,
        "it was built in another environment ({}), and is not what was released: fetch that, or "
        "hold this against its record alone: `artifactbuild verify {}`",
    )
    assert obey(f"artifactbuild verify {folder}") == 0


def test_repair_in_another_environment_moves_what_is_there(here: Path, refused: Say) -> None:
    lock(lambda data: data["environment"].update(keras="9.9"))(here)  # type: ignore[attr-defined]
    locked = Path("model.artifact.lock")
    data = json.loads(locked.read_text())
    data["artifacts"]["keras"]["files"]["model.keras"] = "0" * 64
    locked.write_text(json.dumps(data))
    Path(KERAS, "model.keras").unlink()
    _, folder, manifest = follow(
        refused("build", "--repair"),
        "the environment is not that of the lock ({}): repair it there, or move {} elsewhere and "
        "run `artifactbuild build --accept-different {}`, which publishes what this environment "
        "makes",
    )
    Path(folder).rename("elsewhere")
    assert obey(f"artifactbuild build --accept-different {manifest}") == 0
