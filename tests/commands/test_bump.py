"""`bump`: what it bumps by itself, what it passes over, and to which version."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.manifest.versions import expected
from tests.hints.following import follow
from tests.releases import commit, git, release, wish

Bump = Callable[..., tuple[int, str, str]]

IRIS, ROSE = "iris/model.artifact.yaml", "rose/model.artifact.yaml"
NOTHING = "nothing changed since it was released (`artifactbuild bump --all` bumps all the same)\n"


@pytest.fixture
def bump(capsys: pytest.CaptureFixture[str]) -> Bump:
    def bumped(*arguments: str) -> tuple[int, str, str]:
        code = run(["bump", *arguments])
        return (code, *capsys.readouterr())

    return bumped


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a repository where `iris` and `rose` are released."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q", "-b", "main")
    release("iris", "v1")
    release("rose", "1.0.0")
    commit()
    return folder


def test_what_changed_is_bumped_and_nothing_else(repository: Path, bump: Bump) -> None:
    wish("iris", "v1", model="2")
    before = Path(ROSE).read_bytes()
    assert bump() == (0, f"{IRIS}: v1 → v2\n", "")
    assert Path(ROSE).read_bytes() == before
    stays = f"{IRIS}: v2 stays: never built (`artifactbuild build {IRIS}`)\n"
    assert bump() == (0, stays, "")


def test_nothing_changed(repository: Path, bump: Bump) -> None:
    assert bump() == (0, NOTHING, "")


@pytest.mark.parametrize(("to", "near"), [("WORD", "v2"), ("2.0", "2.0.0")])
def test_no_version_is_refused_where_nothing_is_bumped(
    repository: Path, bump: Bump, to: str, near: str
) -> None:
    code, out, told = bump("--to", to)
    assert (code, out) == (1, "")
    assert told == (
        f"bump: --to {to!r} is no version, {expected()}\n"
        f"    run `artifactbuild bump --to {near}`\n1 problem\n"
    )
    (version,) = follow(told, "run `artifactbuild bump --to {}`")
    assert bump("--to", version) == (0, NOTHING, "")


@pytest.mark.parametrize(
    ("wished", "why"),
    [
        ({"model": "2"}, "model.py changed"),
        (
            {"formats": "{keras: {tolerance: {atol: 0.1}}}"},
            "the options of keras changed",
        ),
        ({"formats": "[h5]"}, "keras is not asked for any more"),
    ],
)
def test_reason_is_told_in_json(
    repository: Path, bump: Bump, wished: dict[str, str], why: str
) -> None:
    wish("iris", "v1", **wished)
    _, out, _ = bump("--json")
    assert json.loads(out) == [
        {"manifest": IRIS, "before": "v1", "version": "v2", "why": why},
        {"manifest": ROSE, "before": "1.0.0", "version": "1.0.0", "why": "unchanged"},
    ]


def test_format_that_joins_a_version_is_no_change(repository: Path, bump: Bump) -> None:
    wish("iris", "v1", formats="[keras, h5]")
    assert bump() == (0, NOTHING, "")


def test_text_costs_no_version_unless_it_is_asked_for(repository: Path, bump: Bump) -> None:
    wish("iris", "v1", notes="second")
    stays = f"only text changed (`artifactbuild bump {IRIS}` bumps it all the same)"
    assert bump() == (0, f"{IRIS}: v1 stays: {stays}\n", "")
    assert bump(IRIS) == (0, f"{IRIS}: v1 → v2\n", "")


def test_what_was_never_built_is_skipped(repository: Path, bump: Bump) -> None:
    wish("lily", "v3")
    file = "lily/model.artifact.yaml"
    line = f"{file}: v3 stays: never built (`artifactbuild build {file}`)\n"
    assert bump() == (0, line, "")
    assert bump("lily") == (0, f"{file}: v3 → v4\n", "")


def test_all_are_bumped_if_asked_for(repository: Path, bump: Bump) -> None:
    assert bump("--all") == (0, f"{IRIS}: v1 → v2\n{ROSE}: 1.0.0 → 1.0.1\n", "")
    assert bump("--all", "--json")[1].count('"why": "asked for"') == 2


def test_after_a_rebase_the_version_that_others_released_is_passed_over(
    repository: Path, bump: Bump
) -> None:
    for branch, model in (("theirs", "2"), ("ours", "3")):
        git("switch", "-qc", branch, "main")
        release("iris", "v4", model=model)
        commit()
    git("switch", "-q", "main")
    git("merge", "-q", "theirs")
    git("switch", "-q", "ours")
    git("rebase", "-q", "-X", "theirs", "main")
    assert git("status", "--porcelain") == ""
    assert bump() == (0, f"{IRIS}: v4 → v5\n", "")
    assert bump()[1] == f"{IRIS}: v5 stays: never built (`artifactbuild build {IRIS}`)\n"


def test_after_a_rebase_that_took_the_other_lock(repository: Path, bump: Bump) -> None:
    for branch, model in (("theirs", "2"), ("ours", "3")):
        git("switch", "-qc", branch, "main")
        release("iris", "v4", model=model)
        commit()
    git("checkout", "-q", "theirs", "--", "iris/model.artifact.lock")
    assert bump() == (0, f"{IRIS}: v4 → v5\n", "")


def test_before_the_other_branch_is_merged_both_may_stay(repository: Path, bump: Bump) -> None:
    for branch, model in (("theirs", "2"), ("ours", "3")):
        git("switch", "-qc", branch, "main")
        release("iris", "v4", model=model)
        commit()
    assert bump() == (0, NOTHING, "")


def test_version_that_is_new_here_and_was_released_elsewhere(repository: Path, bump: Bump) -> None:
    git("switch", "-qc", "theirs")
    for version in ("v2", "v3"):
        release("iris", version, model=version)
        commit()
    git("switch", "-qc", "ours", "main")
    wish("iris", "v2", model="mine")
    assert bump() == (0, f"{IRIS}: v2 → v4, as v3 was released elsewhere\n", "")
    hint = f"run `artifactbuild bump {IRIS}` for the next one that is free"
    assert bump("--to", "v3", IRIS) == (
        1,
        "",
        f"{IRIS}:3:10: v3 was released before, as the git history says, and is released once\n"
        f"    version: v4\n             ^ {hint}\n1 problem\n",
    )
    (named,) = follow(hint, "run `artifactbuild bump {}` for the next one that is free")
    assert bump(named)[:2] == (0, f"{IRIS}: v4 → v5\n")


def test_version_whose_lock_is_not_here_stays(repository: Path, bump: Bump) -> None:
    git("switch", "-qc", "theirs")
    release("iris", "v2", model="2")
    by = f"the branch 'theirs' ({commit()[:7]})"
    git("switch", "-qc", "ours", "main")
    wish("iris", "v2", model="2")
    stays = f"released by {by} from the same inputs (`artifactbuild check` says where its lock is)"
    assert bump() == (0, f"{IRIS}: v2 stays: {stays}\n", "")


def test_integers_count_on(repository: Path, bump: Bump) -> None:
    release("iris", "1")
    wish("iris", "1", model="2")
    assert bump() == (0, f"{IRIS}: 1 → 2\n", "")
    assert "version: 2\n" in Path(IRIS).read_text()


def test_nothing_is_written_where_a_manifest_is_broken(repository: Path, bump: Bump) -> None:
    wish("iris", "v1", model="2")
    Path("rose/model.py").unlink()
    before = Path(IRIS).read_bytes()
    code, out, err = bump()
    assert (code, out) == (1, "")
    assert err.startswith(f"{ROSE}:4:10: no module named 'model'")
    assert Path(IRIS).read_bytes() == before
