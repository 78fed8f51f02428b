"""What git says against a manifest and its lock: every kind, in a real repository."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from tests.releases import commit, git, release, wish

BUMP = "artifactbuild bump iris/model.artifact.yaml"
BUILD = "artifactbuild build iris/model.artifact.yaml"

Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    def check(*arguments: str) -> tuple[int, str, str]:
        code = run(["check", *arguments])
        return (code, *capsys.readouterr())

    return check


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a repository where `iris` v1 is released on `main`."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q", "-b", "main")
    release()
    commit()
    return folder


def located(line: str, problem: str, column: int, hint: str) -> str:
    """Write the one problem of a manifest as it is told."""
    number = {"version": 3, "formats": 5}[line.partition(":")[0]]
    return (
        f"iris/model.artifact.yaml:{number}:{column}: {problem}\n    {line}\n"
        f"    {' ' * (column - 1)}^ {hint}\n1 problem\n"
    )


def ours_v2() -> None:
    """Let `theirs` release v2, and stand on a branch from main that has released nothing."""
    git("switch", "-qc", "theirs")
    release(version="v2", model="2")
    commit()
    git("switch", "-qc", "ours", "main")


def lost() -> None:
    ours_v2()
    wish(version="v2", model="2")


def reused() -> None:
    ours_v2()
    wish(version="v2", model="3")


def reused_and_locked() -> None:
    """Both branches released v2, theirs was merged, and ours won the conflict."""
    ours_v2()
    release(version="v2", model="3")
    commit()
    git("merge", "-q", "-s", "ours", "-m", "merge", "theirs")


def uncommitted() -> None:
    release(version="v2", model="2")


def no_repository() -> None:
    shutil.rmtree(".git")


def theirs() -> str:
    return git("rev-parse", "--short=7", "theirs")


OF_GIT: dict[str, tuple[Callable[[], None], Callable[[], str], Callable[[], str]]] = {
    "lock-lost": (
        lost,
        lambda: (
            f"v2 was released by the branch 'theirs' ({theirs()}) from the same inputs, and its "
            "lock is not here"
        ),
        lambda: f"git show {theirs()}:iris/model.artifact.lock > iris/model.artifact.lock",
    ),
    "version-reused": (
        reused,
        lambda: (
            f"v2 was released by the branch 'theirs' ({theirs()}) from other inputs (model.py "
            "changed): a version is released once"
        ),
        lambda: BUMP,
    ),
    "lock-uncommitted": (
        uncommitted,
        lambda: "the lock of v2 is not as it was committed",
        lambda: "git add --force iris/model.artifact.lock && git commit",
    ),
    "no-repository": (
        no_repository,
        lambda: "there is no git repository that has the lock of v1",
        lambda: "artifactbuild check --committed iris/model.artifact.yaml",
    ),
}


@pytest.mark.parametrize("name", OF_GIT)
def test_what_git_says_is_found_by_its_name(repository: Path, told: Told, name: str) -> None:
    change, sentence, repair = OF_GIT[name]
    change()
    line = f"version: {'v1' if name == 'no-repository' else 'v2'}"
    problem = located(line, f"{name}: {sentence()}", 10, f"`{repair()}`")
    assert told("--locked") == (1, "", problem)


@pytest.mark.parametrize("name", OF_GIT)
def test_what_git_says_is_repaired_by_its_command(repository: Path, told: Told, name: str) -> None:
    change, _, repair = OF_GIT[name]
    change()
    command = repair()
    if command.startswith("artifactbuild "):
        assert run(command.split()[1:]) == 0
    else:
        author = "git -c user.name=a -c user.email=a@b commit -qm lock"
        command = command.replace("git commit", author)
        subprocess.run(["sh", "-ec", command], check=True)
    assert name not in " ".join(map(str, told()))


def test_committed_lock_of_the_manifest_is_good(repository: Path, told: Told) -> None:
    good = "iris/model.artifact.yaml: iris v1 is good\n"
    assert told("--locked") == (0, good, "")
    shutil.rmtree("artifacts", ignore_errors=True)
    assert told("--locked") == (0, good, "")  # from the index, too, git is asked
    release(notes="first")
    Path("iris/model.artifact.lock").unlink()
    code, out, err = told("--locked")
    assert (code, out) == (1, "")
    assert err.startswith("iris/model.artifact.yaml:3:10: lock-lost: v1 was released by the branch")


def test_lock_with_the_line_ends_of_the_checkout_is_committed(repository: Path, told: Told) -> None:
    lock = Path("iris/model.artifact.lock")
    lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))
    assert told("--locked")[0] == 0


@pytest.mark.parametrize(
    ("ignored", "what"), [("", "is not committed"), ("*.lock\n", "is ignored by git")]
)
def test_lock_that_git_does_not_have(repository: Path, told: Told, ignored: str, what: str) -> None:
    Path(".gitignore").write_text(ignored)
    release("rose")
    add = "git add --force rose/model.artifact.lock && git commit"
    assert told("--locked", "rose") == (
        1,
        "",
        f"rose/model.artifact.yaml:3:10: lock-uncommitted: the lock of v1 {what}\n"
        f"    version: v1\n             ^ `{add}`\n1 problem\n",
    )
    for command in add.split(" && "):
        git(*command.split()[1:], *(["-qm", "lock"] if "commit" in command else []))
    assert told("--locked", "rose")[0] == 0


@pytest.mark.parametrize(
    ("wished", "line", "column", "name", "sentence", "repair"),
    [
        (
            {"version": "v2"},
            "version: v2",
            10,
            "lock-stale",
            "v2 was never built: the lock is of v1",
            BUILD,
        ),
        (
            {"formats": "[keras, h5]"},
            "formats: [keras, h5]",
            18,
            "format-not-locked",
            "h5 is asked for, and not in the lock of v1",
            BUILD,
        ),
        (
            {"formats": "[h5]"},
            "formats: [h5]",
            1,
            "format-dropped",
            "keras was released in v1, and is not asked for any more",
            BUMP,
        ),
        (
            {"formats": "{keras: {tolerance: {atol: 0.01}}}"},
            "formats: {keras: {tolerance: {atol: 0.01}}}",
            11,
            "tolerance-wider",
            "the tolerance of keras (atol 1e-06 → 0.01) is wider than v1 was released with",
            BUMP,
        ),
        (
            {"formats": "{keras: {compare: argmax}}"},
            "formats: {keras: {compare: argmax}}",
            11,
            "tolerance-wider",
            "the tolerance of keras (atol 1e-06, rtol 1e-05 → argmax) is wider than v1 was "
            "released with",
            BUMP,
        ),
    ],
)
def test_lock_that_is_not_of_the_manifest(
    repository: Path,
    told: Told,
    wished: dict[str, str],
    line: str,
    column: int,
    name: str,
    sentence: str,
    repair: str,
) -> None:
    wish(**wished)
    code, out, err = told("--locked")
    assert (code, out) == (1, "")
    expected = located(line, f"{name}: {sentence}", column, f"`{repair}`")
    assert expected.removesuffix("1 problem\n") in err


def test_no_lock_at_all(repository: Path, told: Told) -> None:
    wish("rose")
    assert told("--locked", "rose") == (
        1,
        "",
        "rose/model.artifact.yaml:3:10: not-locked: v1 was never built: there is no lock\n"
        "    version: v1\n"
        "             ^ `artifactbuild build rose/model.artifact.yaml`\n"
        "1 problem\n",
    )


def test_of_two_branches_the_one_that_was_not_merged_is_at_fault(
    repository: Path, told: Told
) -> None:
    ours_v2()
    release(version="v2", model="3")
    commit()
    assert told("--locked")[0] == 0  # neither was merged
    git("switch", "-q", "main")
    git("merge", "-q", "theirs")
    assert told("--locked")[0] == 0  # main is at fault for nothing
    git("switch", "-q", "ours")
    sentence = (
        f"version-reused: v2 was released by the branch 'main' ({theirs()}) with another payload: "
        "a version is released once"
    )
    assert told("--locked") == (1, "", located("version: v2", sentence, 10, f"`{BUMP}`"))
    assert run(["bump"]) == 0
    assert "version: v3\n" in Path("iris/model.artifact.yaml").read_text()


def test_version_that_won_a_conflict_after_a_merge_is_reused(repository: Path, told: Told) -> None:
    reused_and_locked()
    code, out, err = told("--locked")
    assert (code, out) == (1, "")
    assert "version-reused: v2 was released by the branch 'theirs'" in err


def test_what_main_has_now_is_the_release_whatever_was_before(repository: Path, told: Told) -> None:
    release(model="anew")
    git("switch", "-qc", "ours")
    commit()
    code, _, err = told("--locked")
    assert code == 1
    assert "version-reused: v1 was released by the branch 'main'" in err
    git("switch", "-q", "main")
    git("merge", "-q", "ours")
    assert told("--locked")[0] == 0
    assert run(["bump"]) == 0
    assert "version: v1\n" in Path("iris/model.artifact.yaml").read_text()


def test_answer_for_github_and_as_json_has_them(repository: Path, told: Told) -> None:
    uncommitted()
    code, out, err = told("--locked", "--format", "github")
    assert (code, err) == (1, "")
    assert out == (
        "::error file=iris/model.artifact.yaml,line=3,col=10::lock-uncommitted: the lock of v2 is "
        "not as it was committed%0A`git add --force iris/model.artifact.lock && git commit`\n"
    )
    code, out, err = told("--locked", "--json")
    assert code == 1
    assert '"name": "lock-uncommitted"' in out
