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


def test_python_source_is_compared_as_it_was_recorded(folder: Path) -> None:
    """What was recorded before there were digests of text is compared by its bytes."""
    path = folder / "a.py"
    path.write_text("x = 1  # one\n")
    text, content = sources.of_file(path), digest.of_file(path)
    assert text == "python:9e26bf369911c45c243c684147b23fc9e1dcfcf257d299a1c632016a6fcd33f4"
    for was in (text, content):
        assert sources.now(folder, {"a.py": was}) == {"a.py": was}
    path.write_text("# more\n\nx = 1\n")
    assert sources.now(folder, {"a.py": text}) == {"a.py": text}
    assert sources.now(folder, {"a.py": content}) == {"a.py": digest.of_file(path)}
    path.write_text("x = 2\n")
    assert sources.now(folder, {"a.py": text}) == {"a.py": sources.of_file(path)} != {"a.py": text}


@pytest.mark.parametrize("name", ["a.pyi", "a.pyx", "a.ipynb", "a.PY", "py"])
def test_other_files_count_by_their_bytes(folder: Path, name: str) -> None:
    path = folder / name
    path.write_text("x = 1  # one\n")
    assert sources.of_file(path) == digest.of_file(path)


def test_what_is_no_python_counts_by_its_bytes(folder: Path) -> None:
    path = folder / "a.py"
    for content in (b"x = 'a\n", b"\xff\n", b"x = 1 \\"):
        path.write_bytes(content)
        assert sources.of_file(path) == digest.of_bytes(content)
    assert sources.now(folder, {"a.py": sources.of_file(path)}) == {"a.py": digest.of_file(path)}


def test_line_endings_stand_before_a_digest(folder: Path) -> None:
    path = folder / "a.txt"
    path.write_bytes(b"a\r\n")
    before = {"a.txt": digest.of_bytes(b"a\n")}
    assert sources.now(folder, before) == {"a.txt": f"crlf:{digest.of_file(path)}"}


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
        ("a.txt", A, "crlf:0", "a.txt differs only in its line endings (CRLF here)"),
        ("a.txt", A, "lf:0", "a.txt differs only in its line endings (LF here)"),
        ("a.txt", ABSENT, PRESENT, "a.txt is there now"),
        ("parts/", A, "0", "the list of files in parts/ changed"),
    ],
)
def test_words(name: str, before: str, now: str | None, said: str) -> None:
    assert sources.words(name, before, now) == said
