"""What is to be made again: problems come first; a copy holds what belongs there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.release import lock
from artifactbuild.reproduction import released
from artifactbuild.reproduction.conditions import PLAIN
from artifactbuild.reproduction.place import lay
from artifactbuild.reproduction.rebuild import _python_path
from tests.reproduction.projects import committed, edit, git, write_lock

MANIFEST = "dense/model.artifact.yaml"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["reproduce", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_no_lock(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock.path_of(manifest).unlink()
    assert refused(capsys) == (
        "dense/model.artifact.yaml:3:10: no lock says what was released of dense\n"
        "    version: v1\n"
        "             ^ run `artifactbuild build dense/model.artifact.yaml` and commit "
        "dense/model.artifact.lock\n"
        "1 problem\n"
    )


def test_lock_of_another_version(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest.write_text(manifest.read_text().replace("version: v1", "version: v2"))
    assert refused(capsys) == (
        "dense/model.artifact.yaml:3:10: the lock is of v1, the manifest asks for v2\n"
        "    version: v2\n"
        "             ^ run `artifactbuild reproduce dense/model.artifact.yaml --from REV`, with a "
        "revision that has v1; or `artifactbuild build` to release v2\n"
        "1 problem\n"
    )


def test_line_endings_that_changed(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are restored here; no other revision is needed."""
    (manifest.parent / "labels.txt").write_bytes(b"a\n")
    write_lock(manifest, "labels.txt")
    (manifest.parent / "labels.txt").write_bytes(b"a\r\n")
    assert refused(capsys) == (
        "dense/model.artifact.yaml:3:10: dense v1 was released from other inputs: labels.txt "
        "differs only in its line endings (CRLF here)\n"
        "    version: v1\n"
        "             ^ run `sed -i 's/\\r$//' dense/labels.txt`\n"
        "1 problem\n"
    )


def test_comment_is_no_change(manifest: Path) -> None:
    model = manifest.parent / "model.py"
    model.write_text("# more\n\n" + model.read_text())
    (found,) = released.from_tree([job(load(manifest), None)])
    assert found.lock == lock.read(manifest, "lock")


def test_source_that_git_does_not_know_is_taken_if_its_code_is_the_same(
    manifest: Path, tmp_path: Path
) -> None:
    ours = manifest.parent / "ours.py"
    ours.write_text("x = 1\n")
    write_lock(manifest, "ours.py")
    Path(".gitignore").write_text("ours.py\n")
    committed("release")
    ours.write_text("x = 1  # one\n")
    copy = tmp_path / "copy"
    copy.mkdir()
    (found,) = released.from_revision([], None, "HEAD", copy)
    assert (found.work.loaded.path.parent / "ours.py").read_text() == "x = 1  # one\n"


def test_inputs_that_changed(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(manifest)
    text = manifest.read_text().replace("keras, h5, weights]", "keras, h5]")
    manifest.write_text(text + "seed: 3\n")
    assert refused(capsys) == (
        "dense/model.artifact.yaml:3:10: dense v1 was released from other inputs: `seed` in the "
        "manifest changed; model.py changed; weights is no longer asked for\n"
        "    version: v1\n"
        "             ^ name the revision that has them: "
        "`artifactbuild reproduce dense/model.artifact.yaml --from REV`\n"
        "1 problem\n"
    )


def test_from_what_is_no_revision_or_no_repository(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Path.cwd()
    assert refused(capsys, "--from", "HEAD") == (
        f"{here}: is in no git repository, so there is no revision to take\n"
        "    leave out `--from`\n"
        "1 problem\n"
    )
    committed("all")
    assert refused(capsys, "--from", "v9") == (
        f"{here}: 'v9' names no commit\n"
        "    `git log --oneline` lists commits; one that is not here needs `git fetch`\n"
        "1 problem\n"
    )
    assert "'--help' names no commit" in refused(capsys, "--from=--help")


def test_problem_in_a_revision_is_named_as_git_names_it(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = manifest.read_text()
    manifest.write_text(good.replace("weights]", "weihts]"))
    committed("broken")
    manifest.write_text(good)
    err = refused(capsys, "--from", "HEAD", "dense")
    assert err.startswith("HEAD:dense/model.artifact.yaml:5:34: unknown format 'weihts'\n")


def test_unknown_condition_is_wrong_usage(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reproduce", "--vary=clok"]) == 2
    assert "unknown condition 'clok': did you mean 'clock'?; conditions are: process, models" in (
        " ".join(capsys.readouterr().err.split())
    )
    assert run(["reproduce", "--vary", "dense"]) == 2
    assert "unknown condition 'dense': paths go before `--vary`" in (
        " ".join(capsys.readouterr().err.split())
    )


def test_revision_brings_its_own_sources_and_lock(manifest: Path, tmp_path: Path) -> None:
    committed("released")
    edit(manifest)
    git("add", "dense/model.py")
    manifest.write_text(manifest.read_text().replace("version: v1", "version: v2"))
    write_lock(manifest)
    before = git("status", "--porcelain", "--branch")
    (found,) = released.from_revision((), None, "HEAD", tmp_path)
    assert (found.work.version, found.lock.version) == ("v1", "v1")
    assert found.work.loaded.document.file == f"HEAD:{MANIFEST}"
    assert found.work.store.root == Path.cwd() / "artifacts"
    place = lay(found, tmp_path / "place", PLAIN)
    assert "edited = 1" not in (place.project / "dense" / "model.py").read_text()
    assert git("status", "--porcelain", "--branch") == before
    assert git("worktree", "list").count("\n") == 1


@pytest.mark.parametrize("has_older", [False, True])
def test_lock_committed_later_than_its_sources_is_found(
    manifest: Path, tmp_path: Path, has_older: bool
) -> None:
    written = lock.path_of(manifest).read_text()
    lock.path_of(manifest).unlink()
    if has_older:
        lock.path_of(manifest).write_text(written.replace('"v1"', '"v0"'))
    committed("sources alone")
    lock.path_of(manifest).write_text(written)
    (found,) = released.from_revision(("dense",), None, "HEAD", tmp_path)
    assert found.lock.version == "v1"


def test_listed_file_that_git_does_not_know_comes_from_the_tree_if_unchanged(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (manifest.parent / "rows.bin").write_bytes(b"rows")
    Path(".gitignore").write_text("*.bin\n")
    write_lock(manifest, "rows.bin")
    committed("released")
    (found,) = released.from_revision((), None, "HEAD", tmp_path)
    place = lay(found, tmp_path / "place", PLAIN)
    assert (place.project / "dense" / "rows.bin").read_bytes() == b"rows"
    (manifest.parent / "rows.bin").write_bytes(b"other rows")
    err = refused(capsys, "--from", "HEAD")
    assert "was released from other inputs: rows.bin is gone\n" in err


def test_copy_has_what_git_knows_and_what_the_lock_lists(manifest: Path, tmp_path: Path) -> None:
    for name in ("rows.bin", "other.bin", "artifacts/dense/keras/v1/model.keras"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"content")
    Path("outside").symlink_to("../elsewhere")
    Path("inside").symlink_to("dense/model.py")
    Path(".gitignore").write_text("*.bin\n")
    write_lock(manifest, "../rows.bin")
    committed("released")
    Path("new.py").touch()
    (found,) = released.from_tree([job(load(manifest), None)])
    place = lay(found, tmp_path / "place", PLAIN)
    files = {p.relative_to(place.project).as_posix() for p in place.project.rglob("*")}
    assert files == {
        *(".git", ".gitignore", "pyproject.toml", "dense", "new.py", "rows.bin"),
        *("dense/model.py", "dense/model.artifact.yaml", "inside", "outside"),
    }
    assert os.readlink(place.project / "inside") == "dense/model.py"
    assert os.readlink(place.project / "outside") == str(Path.cwd().parent / "elsewhere")


def test_copy_outside_of_git_has_what_the_lock_lists(manifest: Path, tmp_path: Path) -> None:
    Path("other.py").touch()
    (found,) = released.from_tree([job(load(manifest), None)])
    place = lay(found, tmp_path / "place", PLAIN)
    files = {p.relative_to(place.project).as_posix() for p in place.project.rglob("*.*")}
    assert files == {".git", "dense/model.py", "dense/model.artifact.yaml"}


def test_copy_answers_for_a_project_that_is_installed_for_editing(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path.cwd() / "src"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path.cwd() / "src"), "/somewhere"]))
    (found,) = released.from_tree([job(load(manifest), None)])
    place = lay(found, tmp_path / "place", PLAIN)
    _, _, *others = _python_path(found, place)
    assert others == [str(place.project / "src"), "/somewhere"]
