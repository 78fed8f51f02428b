"""Hints on repositories are followed, in repositories as people have them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from artifactbuild import git
from artifactbuild.problems import Refusal
from artifactbuild.review import places
from tests.git.test_git import (
    commit,
    home,
    known,
    partial,
    plain,
    read,
    refused,
    smudging,
    work,
    written,
)
from tests.hints.following import follow
from tests.review.test_places import repository

__all__ = ["home", "partial", "repository", "work"]


def told(*sides: str, at: Path | None = None) -> str:
    with pytest.raises(Refusal) as found:
        places.pairs(sides, (), at or Path.cwd(), None)
    return str(found.value)


def shell(command: str) -> None:
    subprocess.run(shlex.split(command), check=True, capture_output=True)


def test_git_is_installed(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tmp_path))
    follow(
        refused(lambda: known(work)),
        "install git, and see to it that PATH names its folder by an absolute path",
    )
    monkeypatch.setenv("PATH", path)
    assert known(work) == ("a.txt", "inner/b.txt")


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give a folder away")
def test_repository_of_another_user_is_trusted(work: Path) -> None:
    for path in (work, work / ".git"):
        os.chown(path, 12345, 12345)
    (folder,) = follow(
        refused(lambda: read("HEAD", "a.txt")),
        "if you trust it, run `git config --global --add safe.directory {}`",
    )
    shell(f"git config --global --add safe.directory {folder}")
    assert read("HEAD", "a.txt")


def test_bare_repository_has_a_checkout(work: Path, tmp_path: Path) -> None:
    plain("clone", "-q", "--bare", str(work), str(tmp_path / "bare"))
    follow(
        refused(lambda: read("HEAD", "a.txt", at=tmp_path / "bare")),
        "a checkout has them in `.git`; without git, `artifactbuild diff BEFORE AFTER` compares "
        "manifests, locks or versions",
    )
    plain("clone", "-q", str(tmp_path / "bare"), str(tmp_path / "checkout"))
    assert read("HEAD", "a.txt", at=tmp_path / "checkout")


def test_command_is_run_from_the_top(work: Path) -> None:
    (top,) = follow(
        refused(lambda: read("HEAD", "a.txt", at=work / ".git")),
        "run the command from the top of the checkout: `cd {}`",
    )
    assert read("HEAD", "a.txt", at=Path(top))


def test_configuration_that_is_trusted_fetches(partial: Path) -> None:
    plain("config", "core.sshCommand", "ssh -q")
    said = refused(lambda: read("HEAD", "a.txt"))
    _, command = follow(
        said,
        "{} of this clone's configuration may make git run a program: only if you trust it, "
        "run `{}`",
    )
    shell(command)
    assert read("HEAD", "a.txt") == {"a.txt": b"two\n"}


def test_clone_without_a_remote_is_made_anew(work: Path, partial: Path, tmp_path: Path) -> None:
    plain("config", "--unset", "remote.origin.url")
    said = refused(lambda: read("HEAD", "a.txt"))
    follow(
        said, "take a complete clone: the configuration of this one names no remote to fetch from"
    )
    plain("clone", "-q", "--branch=work", f"file://{work}", str(tmp_path / "complete"))
    assert read("HEAD", "a.txt", at=tmp_path / "complete") == {"a.txt": b"two\n"}


@pytest.mark.parametrize("name", ["lfs", "other"])
def test_filter_is_named_in_the_users_configuration(
    work: Path, home: Path, tmp_path: Path, name: str
) -> None:
    (work / ".gitattributes").write_text(f"a.txt filter={name}\n")
    commit()
    plain("config", f"filter.{name}.smudge", smudging(tmp_path / "theirs", "hostile"))
    said = refused(lambda: written("HEAD", tmp_path / "one"))
    ours = smudging(tmp_path / "ours", "large")
    if name == "lfs":
        # What `git lfs install` writes, for a program of ours: git-lfs need not be here.
        follow(
            said, "name the filter in your own configuration, if you trust it (`git lfs install`)"
        )
        shell(f"git config --global filter.lfs.smudge {ours}")
    else:
        (shown,) = follow(
            said,
            "name the filter in your own configuration, if you trust it "
            "(`git config --global filter.{}.smudge …`)",
        )
        shell(f"git config --global filter.{shown}.smudge {ours}")
    assert written("HEAD", tmp_path / "two")["a.txt"] == "large\n"


def test_shallow_clone_is_completed(
    repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit()
    clone = tmp_path.parent / f"{tmp_path.name}-clone"
    plain("clone", "-q", "--depth=1", "--no-single-branch", f"file://{tmp_path}", str(clone))
    monkeypatch.chdir(clone)
    plain("remote", "set-head", "origin", "main")
    follow(
        told(),
        "a shallow clone needs `git fetch --unshallow`; or name a revision to compare with",
    )
    assert places.pairs(("HEAD",), (), clone, None)
    shell("git fetch --unshallow")
    assert places.pairs((), (), clone, None)
    shutil.rmtree(clone)


def test_revision_is_named_where_there_is_no_main_branch(repository: str) -> None:
    plain("branch", "-m", "main", "other")
    follow(told(), "name what to compare with: `artifactbuild diff REVISION`")
    assert places.pairs(("other",), (), Path.cwd(), None)


def test_sides_are_named(
    repository: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    for name in ("a", "b"):
        shutil.copytree(Path(name), outside / name)
    monkeypatch.chdir(outside)
    follow(
        told(), "name the sides: `artifactbuild diff BEFORE AFTER`, manifests, locks or versions"
    )
    assert places.pairs(("a/model.artifact.yaml", "b/model.artifact.yaml"), (), outside, None)
    with git.opened(outside) as none:
        assert none is None


def test_side_is_a_revision_or_a_file(repository: str) -> None:
    follow(
        told("nothing"),
        "name a revision, REVISION:PATH, a manifest, a lock or a version's folder",
    )
    for side in ("HEAD", "HEAD:a/model.artifact.yaml", "a/model.artifact.yaml"):
        assert places.pairs((side,), (), Path.cwd(), None)
