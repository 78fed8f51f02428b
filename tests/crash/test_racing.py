"""A sample of the races that `campaign.py` runs by the hundred."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from artifactbuild.release import alive, claim, durable
from artifactbuild.release.store import PUBLISHED, Store
from tests.crash import publisher, racing


@pytest.mark.parametrize("alike", [True, False], ids=["same content", "different contents"])
@pytest.mark.parametrize("way", ["store", "claim"])
def test_eight_builders_of_one_version_have_one_winner(
    tmp_path: Path, way: str, alike: bool
) -> None:
    assert list(racing.of_one_version(way, tmp_path, alike=alike)) == []


@pytest.mark.parametrize("way", ["store", "claim"])
def test_eight_builders_of_different_versions_all_publish(tmp_path: Path, way: str) -> None:
    assert list(racing.of_different_versions(way, tmp_path)) == []


def test_naive_builders_are_found_out(tmp_path: Path) -> None:
    assert list(racing.of_one_version("naive", tmp_path, alike=False)) != []


def test_builders_of_other_versions_and_models_wait_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One builder is stuck in the middle of publishing by a claim, and lives."""
    monkeypatch.setattr(claim, "PATIENCE", 1e9)
    root = tmp_path / "artifacts"
    publisher.manifest_of(root).parent.mkdir()
    stuck = Store(root=root).folder(publisher.MODEL, publisher.FORMAT, "v1")
    stuck.mkdir(parents=True)
    with (
        Store(root=root).staging(publisher.MODEL, "v1"),
        alive.hold(stuck.parent / ".v1.claim") as state,
    ):
        assert state == alive.OURS
        assert publisher.store(root, "v2", "two") == PUBLISHED
        monkeypatch.setattr(publisher, "MODEL", "another")
        assert publisher.store(root, "v1", "one") == PUBLISHED


@pytest.fixture
def fuse(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a filesystem that refuses RENAME_NOREPLACE by itself."""
    if shutil.which("bindfs") is None:
        pytest.skip("needs bindfs: `apt-get install bindfs`")
    behind, point = tmp_path / "behind", tmp_path / "fuse"
    for folder in (behind, point):
        folder.mkdir()
    done = subprocess.run(["bindfs", behind, point], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs FUSE: {done.stderr.strip()}")
    try:
        yield point
    finally:
        subprocess.run(["umount", point], check=True)


def test_eight_builders_on_fuse_have_one_winner_and_leave_nothing(fuse: Path) -> None:
    (fuse / "new").mkdir()
    assert not durable.rename_new(fuse / "new", fuse / "name")
    dead = fuse / "artifacts" / ".staging" / "m-v0-dead"
    (dead / "work").mkdir(parents=True)
    assert list(racing.of_one_version("store", fuse, alike=True)) == []
