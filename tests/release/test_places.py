"""Disks that are full, read-only or badly named: real filesystems, and what is said of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from artifactbuild import pipeline
from artifactbuild.cli import run
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.release import durable, lock
from artifactbuild.release.store import IDENTICAL, PUBLISHED, Store
from artifactbuild.worker.server import Server
from tests.crash import publisher

DENSE = Path(__file__).parents[1] / "samples" / "dense"
ROOM = "make room, then run the same command again: what is published stays as it is"
ELSEWHERE = "name another folder with --artifacts or ARTIFACTBUILD_ARTIFACTS"
Copy = Callable[[Path], Path]
Build = Callable[[Path], Outcome]


@contextmanager
def mounted(point: Path, *options: str) -> Iterator[Path]:
    """Mount an empty filesystem in memory; skip where that is not permitted."""
    point.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", point]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs a mount: {done.stderr.strip()}")
    try:
        yield point
    finally:
        subprocess.run(["umount", point], check=True)


def one_format(copied: Copy, *formats: str) -> Path:
    manifest = copied(DENSE)
    wanted = ", ".join(formats)
    text = manifest.read_text().replace("savedmodel, keras, h5, weights", wanted)
    manifest.write_text(text)
    return manifest


def test_disk_that_is_full_when_a_version_is_staged(tmp_path: Path) -> None:
    with mounted(tmp_path / "artifacts", "size=16k") as root:
        store = Store(root=root)
        with pytest.raises(OSError, match="No space left") as raised, store.staging("m", "v1") as f:
            publisher.fill(f / "keras", "one")
        (problem,) = store.refusal(raised.value).problems
        assert problem.message == "artifacts cannot be written here: no space left on device"
        assert problem.hint == ROOM
        assert [path.name for path in root.rglob("*")] == [".staging"]


def test_disk_without_room_for_another_file(tmp_path: Path) -> None:
    with mounted(tmp_path / "artifacts", "nr_inodes=9") as root:
        store = Store(root=root)
        with pytest.raises(OSError, match="No space left"), store.staging("m", "v1") as folder:
            publisher.fill(folder / "keras", "one")
        assert [path.name for path in root.rglob("*")] == [".staging"]


def test_claim_on_another_mount_that_is_full_leaves_nothing_there(tmp_path: Path) -> None:
    """The rename is refused across mounts, so that files are copied, and do not fit."""
    store = Store(root=tmp_path / "artifacts")
    with mounted(store.root / "m" / "keras", "size=32k") as point, store.staging("m", "v1") as f:
        publisher.fill(f / "keras", "one")
        durable.seal(f / "keras")
        with pytest.raises(OSError, match="No space left"):
            store.publish(f / "keras", "m", "keras", "v1")
        assert list(point.iterdir()) == []
        subprocess.run(["mount", "-o", "remount,size=1m", point], check=True)
        publisher.fill(f / "again", "one")
        durable.seal(f / "again")
        assert store.publish(f / "again", "m", "keras", "v1") == PUBLISHED
        assert [path.name for path in point.iterdir()] == ["v1"]


@pytest.mark.parametrize("by_claim", [False, True], ids=["rename", "claim"])
def test_store_whose_versions_lie_in_the_lower_layer_of_an_overlay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, by_claim: bool
) -> None:
    """As in an image of a container: folders of the lower layer cannot be renamed."""
    with mounted(tmp_path / "layers", "size=8m") as layers:
        for name in ("lower/manifest", "upper", "work", "merged"):
            (layers / name).mkdir(parents=True)
        below = Store(root=layers / "lower" / "artifacts")
        publisher.store(below.root, "v1", "one")
        with below.staging("m", "v1") as folder:
            (folder / "log").write_text("old")
            below.keep_failed(folder, "m", "v1")
        names = ("lowerdir=lower", "upperdir=upper", "workdir=work")
        options = ",".join(f"{key}={layers / name}" for key, name in (o.split("=") for o in names))
        point = layers / "merged"
        command = ["mount", "-t", "overlay", "-o", options, "overlay", point]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"needs an overlay: {done.stderr.strip()}")
        if by_claim:
            monkeypatch.setattr(durable, "rename_new", lambda source, target: False)
        try:
            store = Store(root=point / "artifacts")
            assert publisher.store(store.root, "v1", "one") == IDENTICAL
            assert publisher.store(store.root, "v2", "two") == PUBLISHED
            with store.staging("m", "v1") as folder:
                (folder / "log").write_text("new")
                kept = store.keep_failed(folder, "m", "v1")
            assert (kept / "log").read_text() == "new"
            assert list((store.root / ".staging").iterdir()) == []
        finally:
            subprocess.run(["umount", point], check=True)


def test_read_only_root_is_named_before_anything_is_built(
    copied: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(DENSE)
    with mounted(Path.cwd() / "artifacts", "ro") as root:
        assert run(["build"]) == 1
    assert capsys.readouterr().err == (
        f"{root}/.staging: artifacts cannot be written here: read-only file system\n"
        f"    {ELSEWHERE}\n"
        "1 problem\n"
    )


def test_file_where_a_folder_should_be_is_named_before_anything_is_built(
    copied: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(DENSE)
    Path("artifacts").mkdir()
    Path("artifacts", "dense").touch()
    assert run(["build"]) == 1
    assert capsys.readouterr().err == (
        f"{Path.cwd()}/artifacts/dense: artifacts cannot be written here: not a directory\n"
        f"    {ELSEWHERE}\n"
        "1 problem\n"
    )


def test_full_disk_is_named_whatever_the_library_says_that_found_it(copied: Copy) -> None:
    manifest = one_format(copied, "h5")
    with (
        mounted(Path.cwd() / "artifacts", "size=8k") as root,
        Server() as server,  # one that was started before may not see the mount
        pytest.raises(Refusal) as refused,
    ):
        pipeline.build(job(load(manifest), None), server, lambda text: None)
    full, of_hdf5 = refused.value.problems
    assert full.message == "artifacts cannot be written here: no space left on device"
    assert full.hint == ROOM
    assert of_hdf5.message.startswith("writing h5 raised ")
    assert list(Store(root=root).versions()) == []


def test_format_that_does_not_fit_is_made_by_the_next_build_with_the_date_of_the_first(
    copied: Copy, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One format is published, the other is not: the lock is written when both are."""
    manifest = one_format(copied, "keras", "h5")
    clock = iter(range(1_000_000_000, 2_000_000_000, 1_000_000))
    monkeypatch.setattr("artifactbuild.release.record.time.time", lambda: next(clock))
    with mounted(Path("artifacts", "dense", "h5").absolute(), "size=8k"):
        with pytest.raises(Refusal) as refused:
            build(manifest)
        assert [problem.hint for problem in refused.value.problems] == [ROOM]
    store = Store(root=Path("artifacts").absolute())
    assert list(store.versions()) == [("dense", "keras", "v1")]
    assert not lock.path_of(manifest).exists()
    outcome = build(manifest)
    assert {each.format: each.outcome for each in outcome.results} == {
        "keras": "published, not yet in the lock",
        "h5": "published",
    }
    before = lock.path_of(manifest).read_bytes()
    Path("artifacts").rename("elsewhere")
    assert {each.outcome for each in build(manifest).results} == {"published"}
    assert lock.path_of(manifest).read_bytes() == before


def test_long_name_and_a_path_with_spaces_and_other_letters(
    copied: Copy, server: Server, tmp_path: Path
) -> None:
    manifest = one_format(copied, "savedmodel", "keras", "h5", "weights")
    name = "m" * 200
    manifest.write_text(manifest.read_text().replace("name: dense", f"name: {name}"))
    project = Path("a project – 模型 é").absolute()
    project.mkdir()
    (project / "pyproject.toml").touch()
    moved = manifest.parent.rename(project / "mo dèle") / manifest.name
    root = tmp_path / "missing" / "ar tefacts ñ"
    outcome = pipeline.build(job(load(moved), root), server, lambda text: None).outcome
    assert {each.outcome for each in outcome.results} == {"published"}
    assert (root / name / "savedmodel" / "v1" / "saved_model.pb").is_file()
