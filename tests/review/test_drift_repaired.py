"""The command that each kind of drift names is run, and the next `check` has no word of it."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.commands import workers
from artifactbuild.review.kinds import BUILD, BUMP, BUMP_TO, GIVE_UP, KINDS, REPAIR
from artifactbuild.worker.server import Server
from tests.hints.following import follow, obey
from tests.review.test_drift import CASES, edit, found, here, released

__all__ = ["here", "released"]

GIVEN_UP = [name for name, kind in KINDS.items() if kind.repair == GIVE_UP]
BY_A_TEST = {
    "distribution-missing": "test_missing_distribution_is_installed",
    "format-impossible": "test_impossible_format_is_left_out",
}
ELSEWHERE = {
    "environment-changed": "tests/relock/test_many.py",
    "lock-lost": "tests/review/test_locked.py",
    "lock-uncommitted": "tests/review/test_locked.py",
    "no-repository": "tests/review/test_locked.py",
    "version-reused": "tests/review/test_locked.py",
    "source-line-endings": "tests/release/test_line_endings.py",
}
"""Kinds whose commands are run by the tests of their own room."""
REPAIRS = (BUILD, BUMP, BUMP_TO, REPAIR)
OURS = [name for name, kind in KINDS.items() if kind.repair in REPAIRS and name not in ELSEWHERE]
ANSWERED = {
    "artifact-unlike-lock": "the artifact is whole and cannot be another one in this environment",
}
"""What `reproduce` answers, and nothing repairs: no error, it stays a note."""


@pytest.fixture(autouse=True)
def shared(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `build` use the TensorFlow process of all tests."""
    monkeypatch.setattr(workers, "server", lambda wish: contextlib.nullcontext(server))


def told(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Make a drift, and return the command that `check` names for it."""
    CASES[name][0](folder)
    run(["check"])
    said = "".join(capsys.readouterr())
    if KINDS[name].error:
        _, _, rest = said.partition(f": {name}: ")
        hint = rest.partition("^")[2].splitlines()[0]
        if " if the model is still the same, else " in hint:  # `relock` has tests of its own
            return follow(hint, "`{}` if the model is still the same, else `{}`")[1]
        (command,) = follow(hint, "`{}`")
        return command
    line = next(line for line in said.splitlines() if line.startswith(f"  {name} "))
    return re.findall(r"`([^`]+)`$", line)[0]


@pytest.mark.parametrize("name", OURS)
def test_drift_is_gone_after_the_command_that_it_names(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert obey(told(here, name, capsys)) == 0
    assert run(["check"]) == 0, capsys.readouterr().err
    assert name not in [each for each, _, _ in found(here)]


@pytest.mark.parametrize("name", GIVEN_UP)
def test_damaged_artifact_is_given_up(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    removal, _, build = told(here, name, capsys).partition(" && ")
    shutil.rmtree(removal.removeprefix("rm -rf "))
    assert obey(build) == 0
    assert run(["check"]) == 0
    assert found(here) == []


def test_missing_distribution_is_installed(
    here: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told(here, "distribution-missing", capsys) == "pip install no-such-one"
    installed = tmp_path / "installed" / "no_such_one-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: no-such-one\nVersion: 1.0\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(installed.parent)])
    assert run(["check"]) == 0
    assert found(here) == []


def test_impossible_format_is_left_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    CASES["format-impossible"][0](here)
    assert run(["check"]) == 1
    (format,) = follow(capsys.readouterr().err, "leave {} out of `formats:`")
    edit("model.artifact.yaml", f", {format}", "")(here)
    assert run(["check"]) == 0
    assert "format-impossible" not in [name for name, _, _ in found(here)]


@pytest.mark.parametrize("name", ANSWERED)
def test_what_only_reproduce_answers_is_no_error(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(here, name, capsys) == "artifactbuild reproduce model.artifact.yaml"
    assert not KINDS[name].error
    assert run(["check"]) == 0


def test_the_command_of_every_kind_is_run() -> None:
    assert {*OURS, *GIVEN_UP, *BY_A_TEST, *ANSWERED, *ELSEWHERE} == set(KINDS)
