"""What became of each name that a version was made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from artifactbuild.release import digest, sources
from artifactbuild.release.sources import ABSENT, PRESENT

A = digest.of_bytes(b"a")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "1.txt").touch()
    return tmp_path


def test_state_of_each_kind_of_name(folder: Path) -> None:
    listed = sources.listing(folder / "parts")
    before = {
        "a.txt": "0",
        "gone.txt": "0",
        "parts/": "0",
        "gone/": "0",
        "late.txt": ABSENT,
        "a.txt/inner": ABSENT,
        "parts": PRESENT,
        "nowhere": PRESENT,
    }
    assert sources.now(folder, before) == {
        "a.txt": A,
        "parts/": listed,
        "late.txt": ABSENT,
        "a.txt/inner": ABSENT,
        "parts": PRESENT,
    }
    (folder / "late.txt").touch()
    assert sources.now(folder, {"late.txt": ABSENT}) == {"late.txt": PRESENT}


@pytest.mark.parametrize("name", [".hidden", "__pycache__", "model.artifact.lock"])
def test_listing_leaves_out_what_is_made_on_the_way(folder: Path, name: str) -> None:
    (folder / "model.artifact.yaml").touch()
    before = sources.listing(folder)
    (folder / name).touch()
    assert sources.listing(folder) == before


def test_lock_of_something_else_is_listed(folder: Path) -> None:
    before = sources.listing(folder)
    (folder / "poetry.lock").touch()
    assert sources.listing(folder) != before


def test_artifacts_are_never_listed(folder: Path) -> None:
    before = sources.now(folder, {"./": "0"}, [folder / "artifacts"])
    (folder / "artifacts").mkdir()
    assert sources.now(folder, {"./": "0"}, [folder / "artifacts"]) == before


@pytest.mark.parametrize(
    ("name", "before", "now", "said"),
    [
        ("a.txt", A, "0", "a.txt changed"),
        ("a.txt", A, None, "a.txt is gone"),
        ("a.txt", ABSENT, PRESENT, "a.txt is there now"),
        ("parts/", A, "0", "the list of files in parts/ changed"),
    ],
)
def test_words(name: str, before: str, now: str | None, said: str) -> None:
    assert sources.words(name, before, now) == said
