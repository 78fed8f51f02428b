"""Hostile inputs: each is refused by name; none writes the marker, and none reads the canary.

`pytest tests/hostile --update-golden` writes `expected.json` anew.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest

from artifactbuild import git, verification
from artifactbuild.cli import run
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import card
from artifactbuild.targets import Target
from artifactbuild.verification import Verdict
from artifactbuild.worker.server import Server
from tests.hostile import artifacts, manifests, records, repositories, templates
from tests.hostile.ground import SECRET, Ground, prepared, resealed, was_read
from tests.release import kept

EXPECTED = Path(__file__).parent / "expected.json"

_VARYING = re.compile(r"[0-9a-f]{64}")
_OBJECT = re.compile(r"\b([0-9a-f]{40}|[0-9a-f]{7})\b")


@pytest.fixture
def at(project: Path, tmp_path: Path) -> Iterator[Ground]:
    """Give the ground, and see afterwards that nothing was run or read."""
    kept.lay_out(project)
    ground = prepared(project, tmp_path)
    yield ground
    assert not ground.marker.exists(), "something hostile ran"
    if not _is_linked(ground):
        assert not was_read(ground.canary), "something outside was read"


def _is_linked(ground: Ground) -> bool:
    return ground.canary.stat().st_nlink > 1


@pytest.fixture
def golden(update_golden: bool) -> Callable[[str, str, Ground], None]:
    """Hold what was said of a case against what is to be said."""

    def compare(name: str, said: str, ground: Ground) -> None:
        shown = said.replace(str(ground.project), "PROJECT").replace(str(ground.canary), "CANARY")
        shown = shown.replace(str(ground.marker), "MARKER")
        shown = _VARYING.sub("SHA256", shown)
        assert SECRET not in said
        expected = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {}
        if update_golden:
            expected[name] = shown.splitlines()
            text = json.dumps(expected, indent=2, sort_keys=True, ensure_ascii=False)
            EXPECTED.write_text(text + "\n", encoding="utf-8")
        assert shown.splitlines() == expected[name]

    return compare


@pytest.mark.parametrize("name", manifests.CASES)
def test_manifest(name: str, at: Ground, golden: Any, capsys: pytest.CaptureFixture[str]) -> None:
    manifests.CASES[name](at)
    assert run(["check"]) == 1
    golden(f"manifest: {name}", capsys.readouterr().err, at)


@pytest.mark.parametrize("name", templates.CASES)
def test_template(name: str, at: Ground, golden: Any, capsys: pytest.CaptureFixture[str]) -> None:
    Path("dense/card.md.j2").write_text(templates.CASES[name](at))
    at.rewrite("seed: 1", "seed: 1\ncard: {template: card.md.j2}")
    at.manifest.with_suffix(".lock").unlink()
    assert run(["card", "--format", "h5"]) == 1
    golden(f"template: {name}", capsys.readouterr().err, at)


@pytest.mark.parametrize("name", records.CASES)
def test_record(name: str, at: Ground, golden: Any) -> None:
    folder = at.artifact("keras")
    records.CASES[name](at, folder)
    verdict = verification.held(Target(folder=folder))
    golden(f"record: {name}", _said(verdict.problems()), at)


@pytest.mark.parametrize("name", repositories.CASES)
def test_repository(
    name: str,
    at: Ground,
    golden: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repositories.repository(at)
    arguments, make = repositories.CASES[name]
    folder = make(at)
    at.marker.unlink(missing_ok=True)
    os.utime(at.canary, (1_000_000_000, 1_500_000_000))
    monkeypatch.chdir(folder or at.project)
    code = run(arguments)
    said = _OBJECT.sub("OBJECT", "".join(capsys.readouterr()))
    golden(f"repository: {name}", f"exit {code}\n{said}", at)


@pytest.mark.parametrize("name", artifacts.CASES)
def test_artifact(name: str, at: Ground, golden: Any, server: Server, tmp_path: Path) -> None:
    verdict = inspected(name, at, server, tmp_path)
    golden(f"artifact: {name}", _said(verdict.problems()), at)


def inspected(
    name: str, at: Ground, server: Server, tmp_path: Path, operations: tuple[str, ...] = ()
) -> Verdict:
    format, make = artifacts.CASES[name]
    folder = at.artifact(format)
    make(at, folder)
    os.utime(at.canary, (1_000_000_000, 1_500_000_000))
    target = Target(folder=resealed(folder))
    held = verification.held(target)
    assert held.faults == (), "level 1 sees what is in the record, and so it is"
    return verification.inspected(target, held, operations, server, tmp_path / "log")


def _asked_itself(found: Any, folder: Path) -> git.Repository:
    """Give git the repository's own folder, as it is."""
    index = found.own / "index"
    return git.Repository(top=found.top, folder=found.own, index=index, settings=())


def _said(problems: tuple[Problem, ...]) -> str:
    assert problems
    return str(Refusal(*problems))


def test_corpus_is_large_enough() -> None:
    corpora = (manifests, templates, records, artifacts, repositories)
    assert sum(len(each.CASES) for each in corpora) == len(json.loads(EXPECTED.read_text())) >= 40


class TestWithoutItsGuard:
    """Each class of inputs gets through once what guards against it is taken away."""

    @pytest.fixture
    def bare(self, project: Path, tmp_path: Path) -> Ground:
        kept.lay_out(project)
        return prepared(project, tmp_path)

    def test_manifest_shows_the_canary(
        self, bare: Ground, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("artifactbuild.manifest.files._leads_out", lambda *a: False)
        manifests.CASES["module_by_link"](bare)
        assert run(["check"]) == 1
        assert SECRET in capsys.readouterr().err
        assert was_read(bare.canary)

    def test_template_writes_the_marker(
        self, bare: Ground, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(card, "ImmutableSandboxedEnvironment", jinja2.Environment)
        path = bare.project / "card.md.j2"
        path.write_text(templates.CASES["globals_of_a_function"](bare))
        card.render({}, path)
        assert bare.marker.exists()

    def test_record_says_two_things(self, bare: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("artifactbuild.data._once", dict)
        folder = bare.artifact("keras")
        records.CASES["key_twice"](bare, folder)
        target = Target(folder=folder)
        assert {fault.kind for fault in verification.held(target).faults} <= {"card"}

    def test_hdf5_claims_what_it_likes(self, bare: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
        from artifactbuild.worker.inspection import hdf5

        folder = bare.artifact("weights_h5")
        artifacts.CASES["hdf5_bomb"][1](bare, folder)
        path = folder / "model.weights.h5"
        assert [fault.kind for fault in hdf5.inspect(path, path.name)] == ["hdf5-bomb"]
        monkeypatch.setattr(hdf5._Walk, "_dataset", lambda *a: iter(()))
        assert list(hdf5.inspect(path, path.name)) == []

    @pytest.mark.parametrize("name", repositories.RUNS)
    def test_git_runs_what_the_repository_names(
        self, bare: Ground, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        repositories.repository(bare)
        arguments, make = repositories.CASES[name]
        monkeypatch.chdir(make(bare) or bare.project)
        bare.marker.unlink(missing_ok=True)
        monkeypatch.setattr("artifactbuild.git.place._laid", _asked_itself)
        monkeypatch.setattr("artifactbuild.git.running._FIXED", {})
        monkeypatch.setattr("artifactbuild.git.running.SETTINGS", ())
        run(arguments)
        assert bare.marker.exists()

    def test_savedmodel_operation_gets_through(
        self, bare: Ground, server: Server, tmp_path: Path
    ) -> None:
        name = "savedmodel_writes_when_asked"
        verdict = inspected(name, bare, server, tmp_path, operations=("WriteFile",))
        assert verdict.static
