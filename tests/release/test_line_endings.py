"""Files that differ in their line endings alone: named as such, and restored by what is printed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.release import digest, line_endings, lock, sources
from tests.hints.following import follow, obey
from tests.release import kept

TEXT = b"one\ntwo\n"
WINDOWS = b"one\r\ntwo\r\n"

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def work(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a project with a released version, for a user whose git is configured by `git`."""
    (tmp_path / "gitconfig").write_text("[user]\n\tname = a\n\temail = a@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    kept.lay_out(project)
    (project / ".gitignore").write_text("artifacts\n")
    return project


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def say(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return (run(list(arguments)), *capsys.readouterr())

    return say


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def released(name: str, content: bytes) -> Path:
    """Have the lock list a file that the version was made from."""
    manifest = Path("dense/model.artifact.yaml")
    made = lock.read(manifest, "lock")
    assert made is not None
    listed = {**made.inputs.sources, name: digest.of_bytes(content)}
    lock.write(replace(made, inputs=replace(made.inputs, sources=listed)), manifest)
    path = Path("dense", name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def commit() -> None:
    if not Path(".git").exists():
        git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "release")


def check_out_again(path: Path) -> None:
    """Have git write a file as a fresh clone would."""
    path.unlink()
    git("checkout", "--", str(path))


def shell(command: str) -> None:
    subprocess.run(command, shell=True, check=True, capture_output=True)


def repaired(said: Said, path: Path, here: str) -> str:
    """Do what `check` says, once; return the command. Then everything is as it was released."""
    name = path.relative_to("dense").as_posix()
    code, _, err = said("check")
    assert code == 1
    told = f"source-line-endings: {name} differs only in its line endings ({here} here) since v1 "
    assert told in err
    (command,) = [line.partition("^ `")[2] for line in err.splitlines() if "^ `" in line]
    command = command.removesuffix("`")
    assert line_endings.repair(path.absolute(), recorded(name)) == command
    for verb in ("build", "plan"):
        assert f"`{command}`" in "".join(said(verb)[1:])
    shell(command)
    assert said("check")[0] == said("build")[0] == said("plan", "--exit-code")[0] == 0
    return command


def recorded(name: str) -> str:
    data = json.loads(Path("dense/model.artifact.lock").read_text())
    return str(data["inputs"]["sources"][name])


def test_git_that_converts(work: Path, said: Said) -> None:
    path = released("labels.txt", TEXT)
    commit()
    git("config", "core.autocrlf", "true")
    check_out_again(path)
    assert path.read_bytes() == WINDOWS
    assert repaired(said, path, "CRLF") == (
        "echo 'labels.txt text eol=lf' >> dense/.gitattributes && git add dense/.gitattributes && "
        "git add --renormalize dense/labels.txt && rm dense/labels.txt && "
        "git checkout -- dense/labels.txt"
    )
    assert path.read_bytes() == TEXT
    assert git("status", "--short") == "A  dense/.gitattributes\n"
    check_out_again(path)
    assert said("check")[0] == 0, "every checkout from now on"


@pytest.mark.parametrize(
    "name", ["a b.txt", "[1]*?.txt", "#no.txt", "!no.txt", 'a"b.txt', "a\\b.txt", "é.txt", "-n.txt"]
)
def test_names_that_a_line_must_quote(work: Path, said: Said, name: str) -> None:
    path, other = released(name, TEXT), Path("dense/other.txt")
    other.write_bytes(TEXT)
    commit()
    git("config", "core.autocrlf", "true")
    check_out_again(path)
    check_out_again(other)
    repaired(said, path, "CRLF")
    check_out_again(path)
    check_out_again(other)
    assert (path.read_bytes(), other.read_bytes()) == (TEXT, WINDOWS)


def test_carriage_returns_that_were_committed(work: Path, said: Said) -> None:
    path = released("parts/labels.txt", TEXT)
    path.write_bytes(WINDOWS)
    commit()
    command = repaired(said, path, "CRLF")
    assert command.startswith("echo 'labels.txt text eol=lf' >> dense/parts/.gitattributes && ")
    commit()
    check_out_again(path)
    assert path.read_bytes() == TEXT


@pytest.mark.parametrize("staged", [TEXT, WINDOWS])
def test_version_that_was_released_with_carriage_returns(
    work: Path, said: Said, staged: bytes
) -> None:
    path = released("labels.txt", WINDOWS)
    path.write_bytes(staged)
    commit()
    path.write_bytes(TEXT)
    assert "echo 'labels.txt text eol=crlf' >> " in repaired(said, path, "LF")
    assert path.read_bytes() == WINDOWS


def test_binary_that_git_takes_for_text(work: Path, said: Said) -> None:
    path = released("data.bin", b"\0\n\1\n")
    Path("dense/.gitattributes").write_text("*.bin text")
    commit()
    git("config", "core.autocrlf", "true")
    check_out_again(path)
    assert path.read_bytes() == b"\0\r\n\1\r\n"
    assert repaired(said, path, "CRLF") == (
        "printf '\\n%s\\n' 'data.bin -text' >> dense/.gitattributes && git add "
        "dense/.gitattributes && rm dense/data.bin && git checkout -- dense/data.bin"
    )
    assert Path("dense/.gitattributes").read_text() == "*.bin text\ndata.bin -text\n"


def test_line_that_is_there_is_not_written_twice(work: Path, said: Said) -> None:
    path = released("labels.txt", TEXT)
    Path("dense/.gitattributes").write_text("labels.txt text eol=lf\n")
    commit()
    path.write_bytes(WINDOWS)
    assert repaired(said, path, "CRLF").startswith("git add dense/.gitattributes && ")


@pytest.mark.parametrize(
    ("was", "now", "here", "sed"),
    [
        (TEXT, WINDOWS, "CRLF", r"sed -i 's/\r$//' dense/labels.txt"),
        (TEXT, b"one\r\ntwo\n", "CRLF", r"sed -i 's/\r$//' dense/labels.txt"),
        (WINDOWS, TEXT, "LF", r"sed -i 's/\r\?$/\r/' dense/labels.txt"),
        (WINDOWS, b"one\r\ntwo\n", "LF", r"sed -i 's/\r\?$/\r/' dense/labels.txt"),
        (b"one\r\ntwo", b"one\ntwo", "LF", r"sed -i '$!s/\r\?$/\r/' dense/labels.txt"),
        (b"one\ntwo", b"one\r\ntwo", "CRLF", r"sed -i '$!s/\r$//' dense/labels.txt"),
    ],
)
@pytest.mark.parametrize("checkout", [False, True])
def test_file_that_git_does_not_track(
    work: Path, said: Said, checkout: bool, was: bytes, now: bytes, here: str, sed: str
) -> None:
    if checkout:
        commit()
    path = released("labels.txt", was)
    path.write_bytes(now)
    assert repaired(said, path, here) == sed
    assert path.read_bytes() == was


def test_command_for_whoever_stands_elsewhere(
    work: Path, said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = released("labels.txt", TEXT).absolute()
    commit()
    git("config", "core.autocrlf", "true")
    check_out_again(path)
    monkeypatch.chdir(tmp_path)
    command = line_endings.repair(path, digest.of_bytes(TEXT))
    assert f"git -C {shlex.quote(str(work))} checkout -- {path}" in command
    shell(command)
    monkeypatch.chdir(work / "dense")
    assert said("check")[0] == 0
    path.write_bytes(WINDOWS)
    assert "git checkout -- labels.txt" in line_endings.repair(path, digest.of_bytes(TEXT))


def test_link_is_restored_where_it_leads(work: Path, said: Said) -> None:
    path = released("labels.txt", TEXT)
    Path("shared").mkdir()
    path.rename("shared/names.txt")
    path.symlink_to("../shared/names.txt")
    commit()
    git("config", "core.autocrlf", "true")
    check_out_again(Path("shared/names.txt"))
    assert "echo 'names.txt text eol=lf' >> shared/" in repaired(said, path, "CRLF")


def test_source_of_a_lock_from_before_is_compared_by_its_bytes(work: Path, said: Said) -> None:
    """And what is said of it leads back to them."""
    path = Path("dense/model.py")
    assert not recorded("model.py").startswith(sources.PYTHON)
    commit()
    git("config", "core.autocrlf", "true")
    check_out_again(path)
    repaired(said, path, "CRLF")
    path.write_text(path.read_text() + "# more\n")
    assert "source-changed: model.py changed since v1 was released" in said("check")[2]


def test_what_else_changed_is_accepted_or_bumped(work: Path, said: Said) -> None:
    released("labels.txt", TEXT).write_bytes(WINDOWS)
    with open("dense/model.py", "a") as model:
        model.write("more = 1\n")
    said_by_build = said("build")[2]
    assert (
        "v1 was released from other inputs: labels.txt differs only in its line endings (CRLF "
        "here); model.py changed\n"
    ) in said_by_build
    cure = r"`sed -i 's/\r$//' dense/labels.txt`"
    relock = "`artifactbuild relock dense/model.artifact.yaml`"
    bump = "`artifactbuild bump dense/model.artifact.yaml`"
    assert (
        f"^ run {cure}; then, run {relock} if the model is still the same, else {bump}\n"
    ) in said_by_build
    assert said("plan")[1].splitlines()[0] == (
        f"dense v1: released, and has other line endings since then ({cure}, then {bump})"
    )


def test_line_endings_are_restored_before_another_contract_is_bumped(
    work: Path, said: Said
) -> None:
    released("labels.txt", TEXT).write_bytes(WINDOWS)
    with open("dense/model.artifact.yaml", "a") as manifest:
        manifest.write("validation: {tolerance: {atol: 0.5}}\n")
    cure, named = follow(
        said("build")[2],
        "run `{}`; then, a released version never changes: run `artifactbuild bump {}`",
    )
    shell(cure)
    assert obey(f"artifactbuild bump {named}") == 0
    assert said("check")[0] == 0


def test_lock_that_is_gone(work: Path, said: Said) -> None:
    """Then the records say what the version was made from."""
    Path("dense/model.artifact.lock").unlink()
    path = Path("dense/model.py")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert r"^ run `sed -i 's/\r$//' dense/model.py`" in said("build")[2]


@pytest.mark.parametrize("state", ["absent", "present", f"python:{digest.of_bytes(TEXT)}", "0"])
def test_only_digests_of_bytes_are_compared(tmp_path: Path, state: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(WINDOWS)
    assert (line_endings.said_of(path, state), line_endings.repair(path, state)) == ("", "")


def test_other_changes_are_none_of_line_endings(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    for content in (b"one\r\ntwo", b"one\rtwo\r", b"one\r\n two\r\n", TEXT):
        path.write_bytes(content)
        assert line_endings.said_of(path, digest.of_bytes(TEXT)) == ""
    os.truncate(path, line_endings.MAX_BYTES + 1)
    assert line_endings.said_of(path, digest.of_bytes(TEXT)) == ""
