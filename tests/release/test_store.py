from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import stat
from pathlib import Path

import pytest

from artifactbuild.problems import Refusal
from artifactbuild.release import alive, claim, durable
from artifactbuild.release.digest import of_folder
from artifactbuild.release.store import IDENTICAL, PUBLISHED, Store
from tests.hints.following import follow

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
    folder = staged(store, content)
    durable.seal(folder)
    return store.publish(folder, "m", "keras", "v1")


@pytest.fixture(params=["renameat2", "claim"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Publish by the rename that refuses, and by the claim for filesystems that lack it."""
    if request.param == "claim":
        monkeypatch.setattr(durable, "rename_new", lambda source, target: False)
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
    follow(problem.hint, HINT)
    again = staged(store, "again")
    durable.seal(again)
    assert store.publish(again, "m", "keras", "v2") == PUBLISHED
    assert of_folder(store.folder("m", "keras", "v1")) == before


@pytest.mark.parametrize("content", [[], ["model.keras"]], ids=["empty", "without a record"])
def test_folder_in_the_way_is_not_replaced(store: Store, way: str, content: list[str]) -> None:
    folder = store.folder("m", "keras", "v1")
    folder.mkdir(parents=True)
    for name in content:
        (folder / name).touch()
    with pytest.raises(Refusal) as refused:
        publish(store)
    (problem,) = refused.value.problems
    assert problem.message == "is in the way: it has no record, so it is no version"
    assert sorted(of_folder(folder)) == content
    assert list(folder.parent.iterdir()) == [folder]
    with pytest.raises(Refusal, match="is in the way"):
        store.refuse_obstacles("m", "keras", "v1")


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
            ctypes.set_errno(errno.EINVAL)
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


def test_failed_builds_replace_each_other_and_a_good_one_clears_them(store: Store) -> None:
    for text in ("first", "second"):
        with store.staging("m", "v1") as folder:
            (folder / "build.log").write_text(text)
            kept = store.keep_failed(folder, "m", "v1")
        assert (kept / "build.log").read_text() == text
    with store.staging("m", "v1") as folder:
        store.forget_failed(folder, "m", "v1")
    assert [path.name for path in store.root.iterdir()] == [".staging"]
    assert list((store.root / ".staging").iterdir()) == []


def test_staging_of_the_dead_is_cleared_and_of_the_living_is_not(store: Store) -> None:
    dead = store.root / ".staging" / "m-v1-dead"
    (dead / "work" / "keras").mkdir(parents=True)
    (dead / "held").touch()
    made_and_killed = store.root / ".staging" / "m-v1-unlocked"
    made_and_killed.mkdir()
    with store.staging("m", "v1") as living, store.staging("m", "v1") as another:
        (living / "model.keras").touch()
        with store.staging("m", "v2"):
            assert not dead.exists()
            assert not made_and_killed.exists()
            assert (living / "model.keras").exists()
            assert another.exists()
    assert list((store.root / ".staging").iterdir()) == []


def test_where_nothing_is_known_of_the_living_nothing_is_cleared(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    other = store.root / ".staging" / "m-v1-other"
    (other / "work").mkdir(parents=True)
    with store.staging("m", "v1") as folder:
        assert folder.is_dir()
    assert list((store.root / ".staging").iterdir()) == [other]


def test_cleaner_that_is_faster_than_the_lock_only_costs_another_try(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the making of a staging folder and its lock, another builder takes it for dead."""
    made = []
    hold = alive.hold

    def overtaken(path: Path, flags: int = os.O_CREAT) -> object:
        made.append(path)
        if len(made) == 1:
            path.parent.rmdir()
        return hold(path, flags)

    monkeypatch.setattr(alive, "hold", overtaken)
    with store.staging("m", "v1") as folder:
        assert folder.is_dir()
    assert len(made) == 2


def claimed(store: Store) -> Path:
    """Leave what a builder killed in the middle of a claim leaves; return the claim."""
    folder = store.folder("m", "keras", "v1")
    (folder / "variables").mkdir(parents=True)
    (folder / "variables" / "data").write_text("torn")
    file = folder.parent / ".v1.claim"
    file.write_text("process 7 on elsewhere\n")
    return file


def test_claim_of_the_dead_is_no_version_and_gives_way(store: Store, way: str) -> None:
    file = claimed(store)
    assert not store.is_published("m", "keras", "v1")
    assert list(store.versions()) == []
    assert publish(store) == PUBLISHED
    assert of_folder(store.folder("m", "keras", "v1")).keys() == {"metadata.json", "variables/data"}
    assert not file.exists()


def test_claim_of_the_dead_is_cleared_by_the_next_build_of_anything(store: Store) -> None:
    file = claimed(store)
    with store.staging("other", "v1"):
        assert not file.exists()
        assert not store.folder("m", "keras", "v1").exists()


def test_claim_left_beside_a_published_version_goes_and_the_version_stays(store: Store) -> None:
    publish(store)
    folder = store.folder("m", "keras", "v1")
    before = of_folder(folder)
    (folder.parent / ".v1.claim").touch()
    with store.staging("other", "v1"):
        assert list(folder.parent.iterdir()) == [folder]
    assert of_folder(folder) == before


def test_claim_of_the_living_is_waited_for_and_then_named(
    store: Store, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "PATIENCE", 0.2)
    file = claimed(store)
    with alive.hold(file) as state:
        assert state == alive.OURS
        with pytest.raises(Refusal) as refused:
            publish(store)
        with store.staging("other", "v1"):
            assert file.exists()
    (problem,) = refused.value.problems
    assert problem.message == (
        "is claimed by process 7 on elsewhere, which has not published it in 0.2 s"
    )
    follow(problem.hint, "run the same command again when that build has ended")
    assert (file.parent / "v1" / "variables" / "data").read_text() == "torn"
    assert publish(store, "again") == PUBLISHED


def test_where_locks_are_refused_a_claim_is_never_taken_for_dead(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(durable, "rename_new", lambda source, target: False)
    monkeypatch.setattr(claim, "PATIENCE", 0.1)
    file = claimed(store)
    with pytest.raises(Refusal) as refused:
        publish(store)
    (problem,) = refused.value.problems
    _, claimed_by, torn = follow(problem.hint, "{}; if there is none, remove {} and {}")
    assert (claimed_by, torn) == (str(file), str(file.parent / "v1"))
    Path(claimed_by).unlink()
    shutil.rmtree(torn)
    (store.root / ".staging" / "build-one" / "metadata.json").unlink()
    assert publish(store, "again") == PUBLISHED
    assert not file.exists()


def test_failure_while_a_claim_is_filled_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "rename_new", lambda source, target: False)
    rename = os.rename

    def full(source: Path, target: Path) -> None:
        if Path(source).name == "metadata.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target)

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        publish(store)
    assert list((store.root / "m" / "keras").iterdir()) == []


def test_files_are_copied_where_the_version_lies_on_another_mount(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def across(source: Path, target: Path) -> None:
        if ".staging" in str(source):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target)

    monkeypatch.setattr(durable, "rename_new", lambda source, target: False)
    monkeypatch.setattr(os, "rename", across)
    assert publish(store) == PUBLISHED
    folder = store.folder("m", "keras", "v1")
    assert of_folder(folder).keys() == {"metadata.json", "variables/data"}
    assert {p.stat().st_mode & 0o777 for p in folder.rglob("*") if p.is_file()} == {0o444}


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/etc/passwd", path)])
def test_what_is_no_file_is_not_sealed(store: Store, make: object) -> None:
    folder = staged(store)
    make(folder / "odd")  # type: ignore[operator]
    with pytest.raises(Refusal, match="is neither a file nor a folder, which no version may hold"):
        durable.seal(folder)


@pytest.mark.parametrize("where", ["", "m", "m/keras"])
def test_file_where_a_folder_should_be_is_named_before_the_build(store: Store, where: str) -> None:
    path = store.root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with pytest.raises(Refusal) as refused:
        store.refuse_obstacles("m", "keras", "v1")
    (problem,) = refused.value.problems
    assert problem.file == str(path)
    assert problem.message == "artifacts cannot be written here: not a directory"
    assert problem.hint == "name another folder with --artifacts or ARTIFACTBUILD_ARTIFACTS"


def test_file_where_the_version_should_be_is_named_before_the_build(store: Store) -> None:
    path = store.folder("m", "keras", "v1")
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(Refusal, match="is in the way: it has no record, so it is no version"):
        store.refuse_obstacles("m", "keras", "v1")


def test_published_files_may_still_be_deleted_with_their_folder(store: Store, way: str) -> None:
    publish(store)
    shutil.rmtree(store.folder("m", "keras", "v1"))
    assert publish(store, "two") == PUBLISHED
