"""The index lies where only the user writes, and nothing else is read as one."""

from __future__ import annotations

import os
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.index import entries, location
from artifactbuild.index.answers import TICK
from artifactbuild.index.entries import MAX_BYTES, VERBS, parsed
from tests.release import kept

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def said(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(list(arguments))
        return (code, *capsys.readouterr())

    return said


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a cache of this test."""
    folder = tmp_path / "own"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture
def known(project: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project that the index answers for; return the index."""
    monkeypatch.setattr("artifactbuild.index.answers.TICK", TICK // 100)
    kept.lay_out(project)
    assert run(["check"]) == run(["build"]) == 0
    (index,) = (own / "artifactbuild").iterdir()
    assert index.stat().st_mode & 0o777 == 0o600
    assert index.parent.stat().st_mode & 0o777 == 0o700
    return index


def answered(index: Path) -> bool:
    """Tell whether a command is answered from the index, by asking with a broken lock reader."""
    root = str(Path.cwd() / "artifacts")
    from artifactbuild.release.fingerprint import glance

    return bool(entries.read(str(index), f"{root}\n{glance()}"))


def test_nothing_is_written_into_the_project(known: Path, project: Path) -> None:
    assert answered(known)
    assert sorted(path.name for path in (project / "artifacts").iterdir()) == ["dense"]


def test_index_of_a_checkout_is_not_read(known: Path, project: Path, say: Say) -> None:
    """A committed index, a device, a pipe: none is even opened."""
    kept_index = known.read_bytes()
    known.unlink()
    place = project / "artifacts" / ".index"
    for make in (
        lambda: place.write_bytes(kept_index),
        lambda: place.symlink_to("/dev/zero"),
        lambda: os.mkfifo(place),
    ):
        make()
        Path("dense/model.py").write_text(Path("dense/model.py").read_text() + "more = 1\n")
        assert say("check")[0] == say("build")[0] == say("plan", "--exit-code")[0] == 1
        place.unlink()


ODD: dict[str, Callable[[Path], object]] = {
    "device": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "link": lambda path: (
        path.rename(path.with_suffix(".x")).rename(path.parents[1] / "x")
        and path.symlink_to(path.parents[1] / "x")
    ),
    "writable by others": lambda path: path.chmod(0o666),
    "folder writable by others": lambda path: path.parent.chmod(0o777),
    "without end": lambda path: os.truncate(path, MAX_BYTES * 1000),
    "binary": lambda path: path.write_bytes(os.urandom(5000)),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_index_of_the_user_is_ignored(known: Path, say: Say, kind: str) -> None:
    before = say("check")
    ODD[kind](known)
    assert not answered(known)
    assert say("check") == before
    assert say("build")[0] == say("plan", "--exit-code")[0] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("folder", [False, True])
def test_index_of_another_user_is_ignored(known: Path, say: Say, folder: bool) -> None:
    os.chown(known.parent if folder else known, 65534, 65534)
    assert not answered(known)
    assert say("check")[0] == 0


def test_index_of_another_root_is_ignored(known: Path, project: Path) -> None:
    other = project / "other" / "artifacts"
    other.mkdir(parents=True)
    file = location.file_of(str(other), str(other.parent))
    assert file not in (None, str(known))
    assert location.file_of(str(project / "artifacts"), str(project)) == str(known)


@pytest.mark.parametrize("place", ["cache", "elsewhere/cache", "../cache"])
def test_cache_inside_the_checkout_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """CI often keeps caches in the checkout, where a pull request can put one, too."""
    checkout = tmp_path / "checkout"
    project = checkout / "models"
    project.mkdir(parents=True)
    (project / "pyproject.toml").touch()
    (checkout / ".git").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(project / place))
    assert location.file_of(str(project / "artifacts"), str(project)) is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert location.file_of(str(project / "artifacts"), str(project)) is not None
    (checkout / "linked").symlink_to(tmp_path / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(checkout / "linked"))
    assert location.file_of(str(project / "artifacts"), str(project)) is not None


def test_checkout_of_a_module_of_git_is_that_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "checkout" / "module"
    module.mkdir(parents=True)
    (module.parent / ".git").mkdir()
    (module / ".git").write_text("gitdir: ../.git/modules/module\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(module.parent / "cache"))
    assert location.file_of(str(module / "artifacts"), str(module)) is None


@pytest.mark.parametrize("home", ["", "nowhere", "/dev/null", "/proc"])
def test_user_without_a_cache_has_no_index(
    project: Path, say: Say, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", home)
    kept.lay_out(project)
    assert say("check")[0] == say("check")[0] == say("build")[0] == 0
    assert not (project / "nowhere").exists()


def test_relative_cache_is_no_cache(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the XDG Base Directory Specification has it."""
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    file = location.file_of(str(project / "artifacts"), str(project))
    assert file is not None
    assert file.startswith(str(tmp_path / "home" / ".cache" / "artifactbuild") + "/")


def test_indexes_that_were_written_longest_ago_go(own: Path) -> None:
    folder = own / "artifactbuild"
    folder.mkdir(parents=True, mode=0o700)
    for number in range(location.MOST + 3):
        (folder / f"{number}").touch()
        os.utime(folder / f"{number}", (number, number))
    assert location.prepare(str(folder / "new"))
    assert len(list(folder.iterdir())) == location.MOST
    assert not (folder / "2").exists()


def rewritten(index: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Write an index of changed entries, with the checksum that they need."""
    body = index.read_bytes().partition(b"\n")[2].decode()
    own, *written = body.split("\0\0")
    changed = "\0\0".join([own, *("\0".join(change(each.split("\0"))) for each in written)])
    content = changed.encode("utf-8", "surrogatepass")
    head = b"artifactbuild index %d %08x\n" % (entries.VERSION, zlib.crc32(content))
    index.write_bytes(head + content)


HEAD = 4 + len(VERBS)
FORGED: dict[str, Callable[[list[str]], list[str]]] = {
    "no parts": lambda fields: fields[:HEAD],
    "no fields": lambda fields: fields[:1],
    "negative number of names": lambda fields: [*fields[: HEAD + 4], "-5", *fields[HEAD + 5 :]],
    "no names": lambda fields: [*fields[: HEAD + 4], "0"],
    "more names than there are": lambda fields: [
        *fields[: HEAD + 4],
        "99999999",
        *fields[HEAD + 5 :],
    ],
    "huge number of names": lambda fields: [*fields[: HEAD + 4], "9" * 5000, *fields[HEAD + 5 :]],
    "number in other digits": lambda fields: [*fields[: HEAD + 4], "٣", *fields[HEAD + 5 :]],
    "cut in a part": lambda fields: fields[: HEAD + 3],
    "kind of part": lambda fields: [*fields[: HEAD + 1], "all", *fields[HEAD + 2 :]],
    "escapes of a terminal": lambda fields: [*fields[:3], *["\x1b[2J"] * 3, *fields[6:]],
    "surrogates": lambda fields: [*fields[:3], *["\ud800"] * 3, *fields[6:]],
    "answer no JSON": lambda fields: [*fields[: HEAD - 1], "[", *fields[HEAD:]],
    "answer another thing": lambda fields: [*fields[: HEAD - 1], "[1, 2]", *fields[HEAD:]],
    "answer too deep": lambda fields: [*fields[: HEAD - 1], "[" * 100_000, *fields[HEAD:]],
    "answer without steps": lambda fields: [
        *fields[: HEAD - 1],
        fields[HEAD - 1].replace('"steps"', '"stops"'),
        *fields[HEAD:],
    ],
    "answer with numbers for words": lambda fields: [
        *fields[: HEAD - 1],
        fields[HEAD - 1].replace('"up to date"', "-7"),
        *fields[HEAD:],
    ],
}


@pytest.mark.parametrize("kind", FORGED)
def test_forged_entry_is_ignored(known: Path, say: Say, kind: str) -> None:
    before = say("check", "--json")
    rewritten(known, lambda fields: fields)
    assert answered(known), "the checksum is right"
    rewritten(known, FORGED[kind])
    assert say("check", "--json") == before
    rewritten(known, FORGED[kind])
    text = Path("dense/model.artifact.yaml").read_text()
    Path("dense/model.artifact.yaml").write_text(text.replace("seed: 1", "seed: 2"))
    assert say("check")[0] == say("build")[0] == say("plan", "--exit-code")[0] == 1


def test_entry_of_nothing_is_none() -> None:
    assert parsed("") is None
    assert parsed("\0" * 40) is None


def leading_out(project: Path, tmp_path: Path, name: str) -> Path:
    """Replace a folder of artifacts by a link to where it was moved, out of the project."""
    folder, elsewhere = project / "artifacts" / name, tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    return elsewhere


@pytest.mark.parametrize("verb", [["check"], ["plan"], ["build"], ["verify"]])
def test_nothing_is_written_through_a_root_that_leads_out(
    known: Path, project: Path, tmp_path: Path, say: Say, verb: list[str]
) -> None:
    elsewhere = leading_out(project, tmp_path, "")
    before = elsewhere.stat().st_mtime_ns
    known.unlink()
    assert say(*verb)[0] == 0
    assert elsewhere.stat().st_mtime_ns == before, "not even for a moment"
    assert not known.exists()


@pytest.mark.parametrize("name", ["", "dense", "dense/keras", ".staging", ".failed", ".damaged"])
def test_nothing_is_built_through_a_link_that_leads_out(
    known: Path, project: Path, tmp_path: Path, say: Say, name: str
) -> None:
    (project / "artifacts" / name).mkdir(exist_ok=True)
    elsewhere = leading_out(project, tmp_path, name)
    subprocess.run(["rm", "-rf", project / "artifacts/dense/keras/v1"], check=True)
    before = sorted(elsewhere.rglob("*"))
    code, _, err = say("build")
    link = f"artifacts/{name}".rstrip("/")
    hint = (
        "or name another place for all artifacts by `--artifacts`"
        if name
        else f"or name the place: `--artifacts {elsewhere}`"
    )
    assert (code, err) == (
        1,
        f"{link}: leads out of the project, to {elsewhere}: nothing is written there unasked\n"
        f"    remove the link, {hint}\n1 problem\n",
    )
    assert sorted(elsewhere.rglob("*")) == before


def test_root_that_was_named_may_be_anywhere(
    known: Path, project: Path, tmp_path: Path, say: Say
) -> None:
    elsewhere = leading_out(project, tmp_path, "")
    assert say("build", "--artifacts", "artifacts")[0] == 0
    assert len(list(known.parent.iterdir())) == 2, "an index of its own"
    assert say("plan", "--artifacts", str(elsewhere), "--exit-code")[0] == 0
