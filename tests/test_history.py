"""Who released which version, as git tells it: asked rarely, read once, and never in the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import history
from artifactbuild.cli import run
from artifactbuild.git import running
from artifactbuild.history import History, Wanted
from artifactbuild.index import releases
from tests.releases import commit, git, release, wish

Run = Callable[..., running.Answer]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand on `ours`; `iris` v1 was released on `main`, v2 and v3 on `theirs`."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q", "-b", "main")
    release()
    commit()
    git("switch", "-qc", "theirs")
    for version in ("v2", "v3"):
        release(version=version, model=version)
        commit()
    git("switch", "-qc", "ours", "main")
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the commands that git is given from here on."""
    commands: list[str] = []
    once = running.run

    def noted(folder: Path, *arguments: str, **more: object) -> running.Answer:
        commands.append(arguments[0])
        return once(folder, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "run", noted)
    return commands


def told(version: str = "v2", model: str = "iris", project: str = ".") -> History:
    wanted = Wanted(project=Path(project).resolve(), model=model, version=version)
    return history.look([wanted])[wanted]


def by(found: History) -> list[tuple[str, str]]:
    return [(each.branch, each.path) for each in found.released]


def test_release_of_another_branch_is_found(repository: Path) -> None:
    found = told()
    assert by(found) == [("theirs", "iris/model.artifact.lock")]
    assert found.released[0].lock is not None
    assert found.released[0].lock.version == "v2"
    assert (found.taken, found.skipped) == ({"v1", "v2", "v3"}, "")


def test_release_of_another_model_or_version_is_none(repository: Path) -> None:
    assert by(told("v4")) == []
    assert told("v1", "rose") == History(watched=told().watched)


def test_model_of_another_project_in_the_repository_is_another(repository: Path) -> None:
    (repository / "inner").mkdir()
    (repository / "inner" / "pyproject.toml").touch()
    assert by(told(project="inner")) == []


def test_lock_that_moved_is_that_of_the_model(repository: Path) -> None:
    git("mv", "iris", "flowers")
    commit()
    assert by(told()) == [("theirs", "iris/model.artifact.lock")]


def test_side_of_a_merge_whose_lock_was_not_taken_is_read(repository: Path) -> None:
    release(version="v9", model="9")
    commit()
    git("merge", "-q", "-s", "ours", "-m", "merge", "theirs")
    git("branch", "-qD", "theirs")
    assert by(told()) == [("ours", "iris/model.artifact.lock")]


def test_history_is_read_once_and_then_what_is_new(repository: Path, asked: list[str]) -> None:
    told()
    assert "log" in asked
    asked.clear()
    assert by(told()) != []
    assert "log" not in asked
    git("switch", "-q", "theirs")
    release(version="v4", model="4")
    commit()
    asked.clear()
    found = told("v4")
    assert (by(found), found.taken) == (
        [("theirs", "iris/model.artifact.lock")],
        {"v1", "v2", "v3", "v4"},
    )
    kept = releases.read(releases.file_of(str(repository.resolve())))
    assert [row[1] for row in kept.brought] == ["iris/model.artifact.lock"] * 4


def test_history_that_was_rewritten_is_read_anew(repository: Path) -> None:
    told()
    git("branch", "-qD", "theirs")
    git("reflog", "expire", "--expire=now", "--all")
    git("gc", "-q", "--prune=now")
    assert told().taken == {"v1"}


def test_damaged_cache_is_read_anew(repository: Path) -> None:
    told()
    file = releases.file_of(str(repository.resolve()))
    assert file is not None
    Path(file).write_bytes(b"x" + Path(file).read_bytes()[1:])
    assert told().taken == {"v1", "v2", "v3"}


def test_what_is_no_lock_is_passed_over(repository: Path) -> None:
    Path("iris/model.artifact.lock").write_text("{")
    Path("other.artifact.lock").write_text("[1]")
    commit()
    assert told().taken == {"v1", "v2", "v3"}


def test_repository_without_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    found = told()
    assert (found.released, found.taken, found.skipped) == ((), frozenset(), "")


def test_no_repository_is_nothing_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    release()
    wish(version="v2")
    for verb in ("check", "plan"):
        assert run([verb]) == 0
        assert capsys.readouterr().err == ""


def test_shallow_clone_says_once_that_it_was_not_looked_into(
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    git("clone", "-q", "--depth=1", "--branch=main", f"file://{repository}", str(tmp_path / "few"))
    monkeypatch.chdir(tmp_path / "few")
    wish(version="v2", model="other")
    wish("rose")
    (tmp_path / "few" / "artifacts").mkdir()
    time.sleep(0.1)
    for _ in range(2):
        assert run(["check"]) == 0
        assert capsys.readouterr().err == (
            "warning: the git history is shallow: whether a version was released by another branch "
            "is not checked (`git fetch --unshallow`)\n"
        )
    git("fetch", "-q", "--unshallow")
    git("fetch", "-q", "origin", "theirs:theirs")
    assert run(["check"]) == 1
    assert "version-reused: v2 was released by the branch 'theirs'" in capsys.readouterr().err


def test_git_that_cannot_read_stops_nobody(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wish(version="v2")
    monkeypatch.setenv("PATH", "/nowhere")
    assert run(["check"]) == 0
    assert capsys.readouterr().err == (
        "warning: whether a version was released by another branch is not checked: "
        f"{repository} is in a git checkout, and git is not installed\n"
    )


@pytest.mark.parametrize("verb", ["check", "plan"])
def test_released_version_starts_no_git(
    repository: Path, asked: list[str], verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([verb]) == 0
    assert asked == []
    wish(notes="second")
    assert run([verb]) == 0
    assert asked == []


def test_new_version_is_answered_from_the_index_until_a_branch_changes(
    repository: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = wish(version="v4", model="4")
    (repository / "artifacts").mkdir()
    time.sleep(0.1)
    assert run(["plan", "--exit-code"]) == 2
    said = capsys.readouterr().out
    assert asked != []
    asked.clear()
    assert run(["plan", "--exit-code"]) == 2
    assert capsys.readouterr().out == said
    assert asked == []
    text, model = manifest.read_text(), (manifest.parent / "model.py").read_text()
    git("stash", "-q")
    git("switch", "-q", "theirs")
    release(version="v4", model="5")
    commit()
    git("switch", "-q", "ours")
    git("stash", "pop", "-q")
    assert (manifest.read_text(), (manifest.parent / "model.py").read_text()) == (text, model)
    assert run(["plan", "--exit-code"]) == 1
    assert "v4 was released by the branch 'theirs'" in capsys.readouterr().out


def test_plan_and_build_refuse_what_another_branch_released(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wish(version="v2", model="mine")
    theirs = git("rev-parse", "--short=7", "theirs~1")
    assert run(["plan", "--exit-code"]) == 1
    bump = "`artifactbuild bump iris/model.artifact.yaml`"
    assert capsys.readouterr().out == (
        f"iris v2: released by the branch 'theirs' ({theirs}) ({bump})\n"
        f"  keras  refuse  v2 was released by the branch 'theirs' ({theirs}) from other inputs: "
        "model.py changed\n"
    )
    assert run(["build"]) == 1
    assert capsys.readouterr().err == (
        f"iris/model.artifact.yaml:3:10: iris v2 was released by the branch 'theirs' ({theirs}) "
        "from other inputs: model.py changed\n"
        "    version: v2\n"
        f"             ^ a released version never changes: run {bump}\n"
        "1 problem\n"
    )
    assert run(["bump", "iris/model.artifact.yaml"]) == 0
    assert run(["plan", "--exit-code"]) == 2  # v4: v3 was released as well
