"""The folder of pages: whole or not at all, and over nothing but itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from artifactbuild.problems import Refusal
from artifactbuild.site import folder

PAGES = {"index.html": b"one", "m/index.html": b"two"}
HINT = "name another folder with --output, or remove this one yourself"


def files(place: Path) -> list[str]:
    return sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())


@pytest.mark.parametrize("there", [False, True], ids=["new", "empty"])
def test_pages_and_marker_are_written(tmp_path: Path, there: bool) -> None:
    place = tmp_path / "deep" / "site"
    if there:
        place.mkdir(parents=True)
    assert folder.write(PAGES, place)
    assert files(place) == [folder.MARKER, "index.html", "m/index.html"]
    assert (place.stat().st_mode & 0o777, (place / "m").stat().st_mode & 0o777) == (0o755, 0o755)
    assert os.listdir(place.parent) == ["site"]


def test_the_same_again_touches_nothing(tmp_path: Path) -> None:
    folder.write(PAGES, tmp_path / "site")
    before = (tmp_path / "site").stat().st_ino
    assert not folder.write(PAGES, tmp_path / "site")
    assert (tmp_path / "site").stat().st_ino == before
    assert os.listdir(tmp_path) == ["site"]


@pytest.mark.parametrize("atomic", [True, False])
def test_other_pages_replace_all(
    tmp_path: Path, atomic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not atomic:
        monkeypatch.setattr(folder.sys, "platform", "elsewhere")
    folder.write(PAGES, tmp_path / "site")
    assert folder.write({"index.html": b"new"}, tmp_path / "site")
    assert files(tmp_path / "site") == [folder.MARKER, "index.html"]
    assert os.listdir(tmp_path) == ["site"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    folder.write(PAGES, tmp_path / "link")
    folder.write({"index.html": b"new"}, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert files(tmp_path / "real") == [folder.MARKER, "index.html"]


def _foreign(place: Path) -> str:
    place.mkdir()
    (place / "thesis.tex").touch()
    return "was not made by `artifactbuild site`"


def _false_marker(place: Path) -> str:
    place.mkdir()
    (place / folder.MARKER).write_text("[]")
    return "was not made by `artifactbuild site`"


def _file(place: Path) -> str:
    place.touch()
    return "is a file, expected a folder"


def _put_there(place: Path) -> str:
    folder.write(PAGES, place)
    (place / "CNAME").touch()
    return "holds what `artifactbuild site` did not write: 'CNAME' was put there"


def _changed(place: Path) -> str:
    folder.write(PAGES, place)
    (place / "m/index.html").write_text("by hand")
    return "holds what `artifactbuild site` did not write: 'm/index.html' was changed"


@pytest.mark.parametrize("prepared", [_foreign, _false_marker, _file, _put_there, _changed])
def test_what_is_not_ours_is_left_alone(tmp_path: Path, prepared: object) -> None:
    place = tmp_path / "site"
    message = prepared(place)  # type: ignore[operator]
    before = files(tmp_path)
    with pytest.raises(Refusal) as refused:
        folder.write({"index.html": b"new"}, place)
    (problem,) = refused.value.problems
    assert (problem.message, problem.hint) == (message, HINT)
    assert files(tmp_path) == before


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refusal) as refused:
        folder.write(PAGES, tmp_path / "file" / "deep" / "site")
    (problem,) = refused.value.problems
    assert problem.message == "pages cannot be written here: not a directory"
