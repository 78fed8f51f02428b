"""A damaged version is replaced at once, and what differs in it is kept."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path

import pytest

from artifactbuild.problems import Refusal
from artifactbuild.release import claim, durable
from artifactbuild.release.aside import Kept
from artifactbuild.release.digest import of_folder
from artifactbuild.release.store import ASIDE, Store

FILES = {"metadata.json": "one", "model.keras": "payload", "variables/data": "weights"}


@pytest.fixture(params=["renameat2", "claim"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Give a store with one version, by the rename that refuses and by the claim."""
    if request.param == "claim":
        monkeypatch.setattr(durable, "rename_new", lambda source, target: False)
    own = Store(root=tmp_path / "artifacts")
    own.publish(staged(own), "m", "keras", "v1")
    return own


@pytest.fixture
def version(store: Store) -> Path:
    return store.folder("m", "keras", "v1")


def staged(store: Store) -> Path:
    folder = store.root / ".staging" / "build" / "keras"
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    durable.seal(folder)
    return folder


def replaced(store: Store) -> Kept | None:
    folder = staged(store)
    return store.replace(folder, "m", "keras", "v1", of_folder(folder))


def contents(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def change(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def test_what_was_lost_is_there_again_and_nothing_is_left(store: Store, version: Path) -> None:
    (version / "model.keras").unlink()
    assert replaced(store) is None
    assert contents(version) == FILES
    assert not (store.root / ASIDE).exists()
    assert sorted(path.name for path in version.parent.iterdir()) == ["v1"]


def test_what_differs_is_kept_and_may_be_deleted_without_a_question(
    store: Store, version: Path
) -> None:
    change(version / "model.keras", "tuned by hand")
    (version / "notes").mkdir()
    (version / "notes" / "mine.txt").write_text("mine")
    (version / "notes" / "mine.txt").chmod(0o444)
    kept = replaced(store)
    place = store.root / ASIDE / "m" / "keras" / "v1"
    assert kept == Kept(folder=place, files=("model.keras", "notes/mine.txt"))
    assert contents(place) == {"model.keras": "tuned by hand", "notes/mine.txt": "mine"}
    assert all(os.access(path, os.W_OK) for path in place.rglob("*"))
    assert all(path.stat().st_mode & stat.S_IWUSR for path in place.rglob("*"))
    assert contents(version) == FILES


def test_what_an_earlier_repair_kept_stays(store: Store, version: Path) -> None:
    for text in ("first", "second"):
        change(version / "model.keras", text)
        replaced(store)
    assert contents(store.root / ASIDE / "m" / "keras") == {
        "v1/model.keras": "first",
        "v1.2/model.keras": "second",
    }


@pytest.mark.parametrize("kind", ["file", "link", "link to nowhere", "empty folder", "pipe inside"])
def test_whatever_lies_there_gives_way(store: Store, version: Path, kind: str) -> None:
    other = store.root.parent / "other"
    other.mkdir()
    (other / "metadata.json").write_text("of another")
    if kind != "pipe inside":
        shutil.rmtree(version)
    {
        "file": lambda: version.write_text("a file"),
        "link": lambda: version.symlink_to(other),
        "link to nowhere": lambda: version.symlink_to("nowhere"),
        "empty folder": version.mkdir,
        "pipe inside": lambda: os.mkfifo(version / "pipe"),
    }[kind]()
    kept = replaced(store)
    assert contents(version) == FILES
    assert not version.is_symlink()
    assert contents(other) == {"metadata.json": "of another"}
    if kind == "empty folder":
        assert kept is None
    else:
        assert kept is not None
        assert os.path.lexists(kept.folder / kept.files[0])


def test_version_that_another_builder_repaired_is_left_as_it_is(
    store: Store, version: Path
) -> None:
    before = version.stat().st_ino
    assert replaced(store) is None
    assert version.stat().st_ino == before
    assert not (store.root / ASIDE).exists()


def test_what_was_there_is_back_where_the_new_one_cannot_be_published(
    store: Store, version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(version / "model.keras", "tuned by hand")

    def fail(*given: object) -> None:
        raise OSError(errno.EIO, "no", str(version))

    monkeypatch.setattr(Store, "publish", fail)
    with pytest.raises(OSError, match="no"):
        replaced(store)
    assert contents(version) == {**FILES, "model.keras": "tuned by hand"}


def test_what_another_builder_published_meanwhile_stands(
    store: Store, version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(version / "model.keras", "tuned by hand")
    publish, folder = Store.publish, staged(store)
    other = shutil.copytree(folder, store.root / ".staging" / "other")

    def overtaken(self: Store, *given: str) -> str:
        change(other / "metadata.json", "two")
        publish(self, other, "m", "keras", "v1")
        return publish(self, *given)

    monkeypatch.setattr(Store, "publish", overtaken)
    with pytest.raises(Refusal, match="is published with other bytes"):
        store.replace(folder, "m", "keras", "v1", of_folder(folder))
    assert contents(version)["metadata.json"] == "two"
    kept = store.root / ASIDE / "m" / "keras" / "v1" / "model.keras"
    assert kept.read_text() == "tuned by hand"


def test_folder_that_cannot_be_moved_is_copied_and_its_record_goes_first(
    store: Store, version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lower layer of an overlay, or a mount."""
    change(version / "model.keras", "tuned by hand")
    rename, rmtree = os.rename, shutil.rmtree
    removed: list[list[str]] = []

    def refuse(source: Path, target: Path) -> None:
        if Path(source) == version:
            raise OSError(errno.EXDEV, "across devices", str(source))
        rename(source, target)

    def noted(folder: Path, *given: object, **options: object) -> None:
        if Path(folder) == version:
            removed.append(sorted(contents(version)))
        rmtree(folder, *given, **options)

    monkeypatch.setattr(os, "rename", refuse)
    monkeypatch.setattr(shutil, "rmtree", noted)
    kept = replaced(store)
    assert kept is not None
    assert kept.files == ("model.keras",)
    assert removed == [["model.keras", "variables/data"]], "a folder without a record"
    assert contents(version) == FILES


def test_claim_is_that_of_the_version(tmp_path: Path) -> None:
    assert claim.file_of(tmp_path / "v1") == tmp_path / ".v1.claim"
    assert not claim.is_claimed(tmp_path / "v1")
