"""A sample of the power cuts that `campaign.py` makes by the dozen, on a real filesystem."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.crash import powercut


def cuts(way: str, place: Path, count: int) -> list[list[str]]:
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("needs mkfs.ext4")
    try:
        return list(powercut.cuts(way, place, count, random.Random(0)))
    except powercut.NotPermitted as error:
        pytest.skip(f"needs a loop mount: {error}")


@pytest.mark.parametrize("way", ["store", "claim"])
def test_acknowledged_versions_survive_power_cuts(tmp_path: Path, way: str) -> None:
    assert cuts(way, tmp_path, 3) == [[], [], []]


def test_publisher_that_syncs_nothing_is_found_out(tmp_path: Path) -> None:
    assert any(cuts("unsynced", tmp_path, 3))
