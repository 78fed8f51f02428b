from __future__ import annotations

import ctypes
import os
import stat
from pathlib import Path

import pytest

from artifactbuild.problems import Refusal
from artifactbuild.release import store as module
from artifactbuild.release.digest import of_folder
from artifactbuild.release.store import IDENTICAL, PUBLISHED, Store

HINT = "a published version never changes; give the model a new one: `artifactbuild bump`"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(root=tmp_path / "artifacts")


def staged(store: Store, content: str = "one") -> Path:
    folder = store.root / ".staging" / f"build-{content}"
    (folder / "variables").mkdir(parents=True)
    (folder / "metadata.json").write_text(content)
    (folder / "variables" / "data").write_text("weights")
    return folder


def publish(store: Store, content: str = "one") -> str:
    return store.publish(staged(store, content), "m", "keras", "v1")


@pytest.fixture(params=["renameat2", "claim"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Publish by the rename that refuses, and by the claim for filesystems that lack it."""
    if request.param == "claim":
        monkeypatch.setattr(module, "_renamed", lambda source, target: False)
    return str(request.param)


def test_published_version_is_whole_and_read_only(store: Store, way: str) -> None:
    assert publish(store) == PUBLISHED
    folder = store.folder("m", "keras", "v1")
    assert sorted(of_folder(folder)) == ["metadata.json", "variables/data"]
    modes = {stat.S_IMODE(p.stat().st_mode) for p in folder.rglob("*") if p.is_file()}
    assert modes == {0o444}
    assert list(store.versions()) == [("m", "keras", "v1")]


def test_same_bytes_again_are_identical(store: Store, way: str) -> None:
    publish(store)
    again = staged(store, "again")
    (again / "metadata.json").write_text("one")
    assert store.publish(again, "m", "keras", "v1") == IDENTICAL


def test_other_bytes_are_refused_and_change_nothing(store: Store, way: str) -> None:
    publish(store)
    before = of_folder(store.folder("m", "keras", "v1"))
    with pytest.raises(Refusal) as refused:
        publish(store, "two")
    (problem,) = refused.value.problems
    assert problem.message == (
        "is published with other bytes: metadata.json is "
        "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed, this build made "
        "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
    )
    assert problem.hint == HINT
    assert of_folder(store.folder("m", "keras", "v1")) == before


def test_empty_folder_in_the_way_is_not_replaced(store: Store, way: str) -> None:
    folder = store.folder("m", "keras", "v1")
    folder.mkdir(parents=True)
    with pytest.raises(Refusal):
        publish(store)
    assert list(folder.iterdir()) == []
    assert not store.is_published("m", "keras", "v1")


def test_plain_rename_would_have_replaced_it(store: Store) -> None:
    target = store.folder("m", "keras", "v1")
    target.mkdir(parents=True)
    os.rename(staged(store), target)
    assert store.is_published("m", "keras", "v1")


def test_claimed_folder_without_record_is_no_version(store: Store) -> None:
    folder = store.folder("m", "keras", "v1")
    folder.mkdir(parents=True)
    (folder / "model.keras").touch()
    assert not store.is_published("m", "keras", "v1")
    assert list(store.versions()) == []


def test_filesystem_without_noreplace_is_published_by_claim(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def renameat2(self, *arguments: object) -> int:
            ctypes.set_errno(22)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *a, **k: Refusing())
    assert publish(store) == PUBLISHED
    assert store.is_published("m", "keras", "v1")


def test_staging_is_gone_afterwards_and_a_failed_one_is_kept(store: Store) -> None:
    with store.staging("m", "v1") as folder:
        (folder / "build.log").write_text("why")
        kept = store.keep_failed(folder, "m", "v1")
    assert (kept / "build.log").read_text() == "why"
    assert list((store.root / ".staging").iterdir()) == []
    assert list(store.versions()) == []


def test_file_where_the_root_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "artifacts").touch()
    with pytest.raises(Refusal) as refused, Store(root=tmp_path / "artifacts").staging("m", "v1"):
        pass
    (problem,) = refused.value.problems
    assert problem.message == "artifacts cannot be written here: not a directory"
    assert problem.hint == "name another folder with --artifacts or ARTIFACTBUILD_ARTIFACTS"
