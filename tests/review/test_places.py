"""What is compared with what, in a real repository; locks are written, nothing is built."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.manifest.load import load
from artifactbuild.problems import Refusal
from artifactbuild.release import lock
from artifactbuild.review import places
from tests.review.sides import LOCK

MANIFEST = """\
schema_version: 1
name: {name}
version: {version}
factory: model:make_model
formats: [keras]
reference_inputs:
  - name: rows
    x: {{normal: true, shape: [8, 4]}}
"""


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def release(name: str, version: str, kind: str = "functional") -> None:
    """Write a model and its lock as a build would; `kind` tells two releases apart."""
    folder = Path(name)
    folder.mkdir(exist_ok=True)
    (folder / "model.py").write_text("def make_model():\n    pass\n")
    manifest = folder / "model.artifact.yaml"
    manifest.write_text(MANIFEST.format(name=name, version=version))
    keras = {"keras": LOCK.artifacts["keras"]}
    known = replace(LOCK, model=name, version=version, artifacts=keras)
    lock.write(replace(known, totals=replace(LOCK.totals, kind=kind)), manifest)
    assert load(manifest).manifest.name == name


def commit(message: str = "more") -> str:
    git("add", "-A")
    git("commit", "-qm", message)
    return git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Stand on a branch that left main with `a` v1 and `b` v1; `a` is v2 here, main went on."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    release("a", "v1")
    release("b", "v1")
    base = commit()
    release("b", "v9")
    commit()
    git("switch", "-qc", "work", base)
    release("a", "v2")
    return base


def compared(*sides: str, paths: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return the two sides of each pair as label and version."""
    return [
        (
            f"{before.side.label} {before.side.version}" if before else "",
            f"{after.side.label} {after.side.version}" if after else "",
        )
        for before, after in places.pairs(sides, paths, Path.cwd(), None)
    ]


HERE = "the working tree"


def test_working_tree_is_compared_with_where_the_branch_left_main(repository: str) -> None:
    base = f"main ({repository[:7]})"
    assert compared() == [(f"{base} v1", f"{HERE} v2"), (f"{base} v1", f"{HERE} v1")]


def test_one_revision_is_compared_with_the_working_tree(repository: str) -> None:
    tip = git("rev-parse", "--short=7", "main")
    assert compared("main")[1] == (f"main ({tip}) v9", f"{HERE} v1")
    assert compared("HEAD", paths=("a",)) == [(f"HEAD ({repository[:7]}) v1", f"{HERE} v2")]


def test_two_revisions(repository: str) -> None:
    tip = git("rev-parse", "main")
    assert compared(repository, tip)[1] == (f"{repository} v1", f"{tip} v9")


def test_folder_or_manifest_alone_limits_what_is_compared(repository: str) -> None:
    expected = [(f"main ({repository[:7]}) v1", f"{HERE} v2")]
    assert compared("a") == compared("a/model.artifact.yaml") == expected
    assert compared(paths=("a",)) == expected


def test_file_of_a_revision(repository: str) -> None:
    place = f"{repository}:a/model.artifact.yaml"
    assert compared(place) == [(f"{place} v1", f"{HERE} v2")]
    locked = f"{repository}:a/model.artifact.lock"
    assert compared(locked, "a/model.artifact.yaml") == [
        (f"{locked} v1", "a/model.artifact.yaml v2")
    ]


def test_files_are_compared_whatever_their_models(repository: str) -> None:
    assert compared("a/model.artifact.lock", "b/model.artifact.lock") == [
        ("a/model.artifact.lock v2", "b/model.artifact.lock v1")
    ]


def test_new_and_removed_models_have_one_side(repository: str) -> None:
    git("rm", "-rqf", "b")
    release("c", "v1")
    base = f"main ({repository[:7]})"
    assert compared() == [
        (f"{base} v1", f"{HERE} v2"),
        (f"{base} v1", ""),
        ("", f"{HERE} v1"),
    ]


def test_bumped_manifest_has_no_lock_of_its_version(repository: str) -> None:
    path = Path("a/model.artifact.yaml")
    path.write_text(path.read_text().replace("v2", "v3"))
    ((_, after),) = places.pairs((), ("a",), Path.cwd(), None)
    assert after is not None
    assert after.side.version == "v3"
    assert after.side.lock is None
    assert after.side.pending == ("iris.weights.h5 is gone", "model.py changed")


def test_revision_that_was_bumped_and_not_built_has_no_lock_of_its_version(
    repository: str,
) -> None:
    path = Path("a/model.artifact.yaml")
    path.write_text(path.read_text().replace("v2", "v3"))
    commit()
    ((before, _),) = places.pairs(("HEAD",), ("a",), Path.cwd(), None)
    assert before is not None
    assert (before.side.version, before.side.lock) == ("v3", None)


def test_from_a_folder_only_what_is_in_it(repository: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("b")
    assert compared() == [(f"main ({repository[:7]}) v1", f"{HERE} v1")]


@pytest.mark.parametrize(
    ("sides", "message", "hint"),
    [
        (
            ("nothing",),
            "nothing: is no file or folder here, and no revision that git knows",
            "name a revision, REVISION:PATH, a manifest, a lock or a version's folder",
        ),
        (
            ("HEAD:a/model.artifact.yml",),
            "HEAD:a/model.artifact.yml: there is no file 'a/model.artifact.yml' in that revision",
            "did you mean 'a/model.artifact.yaml'?",
        ),
        (("--help",), "--help: is no file or folder here, and no revision that git knows", "name"),
        (
            ("a/model.artifact.lock", "HEAD~0:b"),
            "HEAD~0:b: there is no file 'b' in that revision",
            "",
        ),
    ],
)
def test_what_is_no_side(repository: str, sides: tuple[str, ...], message: str, hint: str) -> None:
    with pytest.raises(Refusal) as refused:
        compared(*sides)
    first, _, second = str(refused.value).partition("\n")
    assert first == message
    assert second.strip().startswith(hint)


def test_branch_that_has_no_main(
    repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("branch", "-m", "main", "other")
    with pytest.raises(Refusal) as refused:
        compared()
    (problem,) = refused.value.problems
    assert problem.message == "no main branch was found, expected one of main, master, trunk"
    assert problem.hint == "name what to compare with: `artifactbuild diff REVISION`"


def test_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refusal) as refused:
        compared()
    assert refused.value.problems[0].message == "this folder is in no git repository"


def test_lock_that_git_could_not_merge_is_named_with_its_place(repository: str) -> None:
    path = Path("a/model.artifact.lock")
    path.write_text(f"<<<<<<< HEAD\n{path.read_text()}")
    with pytest.raises(Refusal) as refused:
        compared()
    assert refused.value.problems[0].file == "a/model.artifact.lock"


def test_exit_code_is_that_of_git(repository: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff"]) == 0
    assert run(["diff", "--exit-code"]) == 1
    capsys.readouterr()
    assert run(["diff", "--exit-code", "HEAD", "HEAD"]) == 0
    assert capsys.readouterr().out == "no model differs\n"
    assert run(["diff", "a", "b", "c"]) == 2
    assert "two sides at most, found 3" in capsys.readouterr().err


def test_answer_as_json(repository: str, capsys: pytest.CaptureFixture[str]) -> None:
    release("a", "v2", kind="sequential")
    assert run(["diff", "--json", "a"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["before"] == {
        "label": f"main ({repository[:7]})",
        "file": "a/model.artifact.yaml",
        "model": "a",
        "version": "v1",
        "built": True,
        "pending": [],
    }
    assert found["layers"]["totals"] == [
        {"name": "kind", "before": "functional", "after": "sequential"}
    ]
    assert found["contract"] == []


def test_paths_come_after_two_dashes(repository: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "main", "--", "b"]) == 0
    assert capsys.readouterr().out.startswith("b v9 → v1: ")
