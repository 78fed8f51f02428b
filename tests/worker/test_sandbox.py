"""What an artifact that got through everything else can do when it is loaded: nothing outside."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from artifactbuild import verification
from artifactbuild.limits import RUNNING
from artifactbuild.targets import Target
from artifactbuild.verification import Verdict
from artifactbuild.worker import sandbox
from tests.hostile import artifacts
from tests.hostile.ground import Ground, prepared, resealed
from tests.release import kept

needs_bubblewrap = pytest.mark.skipif(
    sandbox.kind() != sandbox.BUBBLEWRAP, reason="bubblewrap is not to be had"
)


@pytest.fixture
def at(project: Path, tmp_path: Path) -> Ground:
    kept.lay_out(project)
    return prepared(project, tmp_path)


def hostile(at: Ground) -> Target:
    """Return an artifact that writes the marker when it is asked."""
    format, make = artifacts.CASES["savedmodel_writes_when_asked"]
    make(at, at.artifact(format))
    return Target(folder=resealed(at.artifact(format)))


def rerun(target: Target) -> Verdict:
    return verification.rerun(target, verification.held(target), sources=False)


@needs_bubblewrap
def test_artifact_writes_nothing_outside_of_the_sandbox(at: Ground) -> None:
    verdict = rerun(hostile(at))
    assert not at.marker.exists()
    assert [fault.kind for fault in verdict.faults] == ["run", "run", "run"][: len(verdict.faults)]


def test_attack_is_real_without_the_sandbox(at: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda: "")
    verdict = rerun(hostile(at))
    assert at.marker.exists()
    assert verdict.run is not None
    assert verdict.run.sandbox == "none"


def test_time_is_limited(at: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "RUNNING", replace(RUNNING, seconds=1))
    verdict = rerun(Target(folder=at.artifact("tflite")))
    assert [(f.kind, f.message) for f in verdict.faults] == [
        ("run", "could not be run: it took more than 1 s")
    ]


def test_memory_is_limited() -> None:
    code = (
        "from dataclasses import replace\n"
        "from artifactbuild import limits\n"
        "limits.set_here(replace(limits.RUNNING, memory=1 << 28))\n"
        "bytearray(1 << 30)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "MemoryError")
