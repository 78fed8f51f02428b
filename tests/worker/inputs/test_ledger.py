"""What counts as an input, and how it is named; a file is fixed when it is first opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from artifactbuild.release import digest, fingerprint
from artifactbuild.release.sources import ABSENT, PRESENT, of_file
from artifactbuild.worker.inputs import ledger
from artifactbuild.worker.inputs.ledger import Ledger


@pytest.fixture
def noted(tmp_path: Path) -> Ledger:
    (tmp_path / "project" / "models").mkdir(parents=True)
    (tmp_path / "project" / "models" / "a.txt").write_text("a")
    return Ledger(str(tmp_path / "project"), [str(tmp_path / "project" / "artifacts")])


def sources(noted: Ledger, tmp_path: Path) -> dict[str, str]:
    return dict(noted.reads(str(tmp_path / "project" / "models")).sources)


def test_names_are_paths_from_the_manifest(noted: Ledger, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "b.txt").write_text("b")
    for path in ("models/a.txt", "models/../b.txt", "models/none.txt"):
        noted.opened(str(project / path))
    assert sources(noted, tmp_path) == {
        "../b.txt": digest.of_bytes(b"b"),
        "a.txt": digest.of_bytes(b"a"),
        "none.txt": ABSENT,
    }


def test_python_source_is_known_by_its_text(noted: Ledger, tmp_path: Path) -> None:
    """A comment that is written while the model is built changes nothing, code does."""
    path = tmp_path / "project" / "models" / "model.py"
    path.write_text("x = 1  # one\n")
    noted.opened(str(path))
    path.write_text("# more\nx = 1\n")
    noted.opened(str(path))
    found = noted.reads(str(path.parent))
    assert (found.sources, found.changed) == ({"model.py": of_file(path)}, ())
    assert found.looks == {"model.py": fingerprint.look(str(path))}
    path.write_text("x = 2\n")
    assert noted.reads(str(path.parent)).changed == ("model.py",)
    path.write_text("x = (\n")
    assert noted.reads(str(path.parent)).changed == ("model.py",)


def test_large_python_source_is_known_by_its_text_too(
    noted: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "SMALL", 4)
    path = tmp_path / "project" / "models" / "model.py"
    path.write_text("x = 1  # one\n")
    noted.opened(str(path))
    assert sources(noted, tmp_path) == {"model.py": of_file(path)}
    path.write_text("x = 1  # two\n")
    assert noted.reads(str(path.parent)).changed == ("model.py",), "only its look is known"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/hostname",
        "{project}/artifacts/dense/v1/model.keras",
        "{project}/.git/HEAD",
        "{project}/models/__pycache__/model.cpython-311.pyc",
        "{project}/models/python.runfiles/org_tensorflow",
        "{project}/models/a\0.txt",
    ],
)
def test_what_is_no_input(noted: Ledger, tmp_path: Path, path: str) -> None:
    place = path.format(project=tmp_path / "project")
    noted.opened(place)
    noted.looked(place)
    noted.listed(os.path.dirname(place) if place.startswith("/etc") else place)
    assert sources(noted, tmp_path) == {}


def test_names_that_python_tries_in_every_package_are_left_out(
    noted: Ledger, tmp_path: Path
) -> None:
    folder = tmp_path / "project" / "models"
    noted.looked(str(folder / "__init__.so"))
    noted.looked(str(folder / "__init__.py"))
    assert sources(noted, tmp_path) == {"__init__.py": ABSENT}


def test_folder_goes_without_saying_if_something_in_it_is_an_input(
    noted: Ledger, tmp_path: Path
) -> None:
    folder = tmp_path / "project" / "models"
    (folder / "empty").mkdir()
    (folder / "full").mkdir()
    for name in ("full", "empty", "full/none"):
        noted.looked(str(folder / name))
    assert sources(noted, tmp_path) == {"empty/": PRESENT, "full/none": ABSENT}


def test_listing_that_pythons_import_made_is_taken_back(noted: Ledger, tmp_path: Path) -> None:
    folder = str(tmp_path / "project" / "models")
    noted.listed(folder)
    noted.complete([], [], {folder: 1})
    assert sources(noted, tmp_path) == {}
    noted.listed(folder)
    assert list(sources(noted, tmp_path)) == ["./"]


@pytest.mark.parametrize("small", [True, False])
def test_file_that_changes_after_it_was_opened_is_named(
    noted: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    monkeypatch.setattr(ledger, "SMALL", 1 << 20 if small else 0)
    file = tmp_path / "project" / "models" / "a.txt"
    noted.opened(str(file))
    file.write_text("bb")
    assert noted.reads(str(file.parent)).changed == ("a.txt",)


def test_file_that_was_another_for_a_while_is_named(noted: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "project" / "models" / "a.txt"
    noted.opened(str(file))
    file.write_text("bb")
    noted.opened(str(file))
    file.write_text("a")
    assert noted.reads(str(file.parent)).changed == ("a.txt",)


def test_file_that_was_only_touched_is_unchanged(noted: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "project" / "models" / "a.txt"
    noted.opened(str(file))
    os.utime(file)
    assert noted.reads(str(file.parent)).changed == ()


@pytest.mark.parametrize("appears", ["file", "gone"])
def test_name_that_comes_or_goes_meanwhile_is_named(
    noted: Ledger, tmp_path: Path, appears: str
) -> None:
    folder = tmp_path / "project" / "models"
    if appears == "file":
        noted.looked(str(folder / "late.txt"))
        (folder / "late.txt").touch()
    else:
        noted.opened(str(folder / "a.txt"))
        (folder / "a.txt").unlink()
    name = "late.txt" if appears == "file" else "a.txt"
    assert noted.reads(str(folder)).changed == (name,)
