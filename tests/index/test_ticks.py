"""Filesystems that keep no fractions of a second: an edit in the same second is seen."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.recording import _looks_of_large
from artifactbuild.release.fingerprint import is_of_whole_seconds
from tests.crash.powercut import NotPermitted, mounted
from tests.release import kept

MAKERS = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-I", "128"],
    "vfat": ["mkfs.vfat"],
}


@pytest.fixture(params=MAKERS)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Give a filesystem of whole seconds, made and mounted for the test."""
    command, image = MAKERS[request.param], tmp_path / "image"
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    with open(image, "wb") as file:
        file.truncate(32 << 20)
    subprocess.run([*command, image], check=True, capture_output=True)
    try:
        with mounted(image, tmp_path / "disk") as point:
            yield point
            os.chdir(tmp_path)
    except NotPermitted as error:
        pytest.skip(f"needs a loop mount: {error}")


@pytest.fixture
def project(disk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = disk / "project"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder)
    return folder


def at_the_start_of_a_second() -> None:
    time.sleep(1.02 - time.time() % 1)


@pytest.mark.parametrize("elsewhere", [True, False], ids=["store elsewhere", "store on it"])
def test_edit_in_the_same_second_is_seen(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], elsewhere: bool
) -> None:
    root = kept.lay_out(project)
    if elsewhere:
        root = Path(shutil.move(root, tmp_path / "artifacts"))
    source = project / "dense" / "model.py"
    released = source.read_bytes()
    assert is_of_whole_seconds(source.stat().st_mtime_ns, source.stat().st_ctime_ns)
    time.sleep(5)
    command = ["check", "--artifacts", str(root)]
    assert run(command) == 0
    at_the_start_of_a_second()
    source.write_bytes(released)
    assert run(command) == 0, "saved as it was released"
    source.write_bytes(released[:-2] + b"#\n")
    assert run(command) == 1, "another comment, of the same length, in the same second"
    assert "source-changed: model.py changed since v1" in capsys.readouterr().err


def test_large_file_is_hashed_again_where_a_change_may_not_show(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artifactbuild.recording.LARGE", 1)
    for folder, expected in ((disk / "staged", set()), (tmp_path / "staged", {"model.keras"})):
        folder.mkdir()
        (folder / "model.keras").write_text("payload")
        assert set(_looks_of_large(folder)) == expected
