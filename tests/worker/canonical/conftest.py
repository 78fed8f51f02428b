"""Every model built twice: early in a process, and late in one that has built others before."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from artifactbuild.worker.settings import PINNED

ROOT = Path(__file__).parents[3]
CONDITIONS = ("early", "late")
SOMEONE = "someone-known"
"""The user who builds, and the name of their home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twice:
    """The folders of the two builds, each with a folder for each model."""

    early: Path
    late: Path


@pytest.fixture(scope="session")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Twice:
    """Build the models in two processes, at the same time, in places of their own."""
    parent = tmp_path_factory.mktemp("canonical")
    folders = {condition: parent / condition for condition in CONDITIONS}
    started = []
    for condition, folder in folders.items():
        folder.mkdir()
        home = folder / SOMEONE
        home.mkdir()
        environment = {
            **os.environ,
            **PINNED,
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "USER": SOMEONE,
            "LOGNAME": SOMEONE,
            "KERAS_HOME": str(home),
        }
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.worker.canonical.saving", condition, str(folder)],
                env=environment,
                cwd=home,
                stdout=subprocess.DEVNULL,
                stderr=(folder / "log").open("wb"),
            )
        )
    assert [process.wait() for process in started] == [0, 0]
    return Twice(**folders)
