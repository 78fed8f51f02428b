"""What an artifact that got through everything else can do when it is loaded: nothing outside."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from artifactbuild import cli, verification
from artifactbuild.job import job
from artifactbuild.limits import RUNNING
from artifactbuild.manifest.load import load
from artifactbuild.targets import Target, of_manifest
from artifactbuild.verification import Verdict
from artifactbuild.worker import sandbox
from tests import processes
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


WAY_OUT = (
    "    install the package bubblewrap (`apt-get install bubblewrap`, "
    "`dnf install bubblewrap`), or add `--no-sandbox` to go on without it"
)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "bubblewrap is not installed"),
        (
            "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n",
            "bubblewrap does not work here: bwrap: No permissions to create new namespace",
        ),
    ],
)
def test_run_without_bubblewrap_is_refused(
    script: str | None,
    said: str,
    at: Ground,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    if script is not None:
        (programs / "bwrap").write_text(script)
        (programs / "bwrap").chmod(0o755)
        os.symlink("/bin/sh", programs / "sh")
    monkeypatch.setenv("PATH", str(programs))
    sandbox.tried.cache_clear()
    try:
        assert cli.run(["verify", "--run", str(at.artifact("tflite"))]) == 1
    finally:
        sandbox.tried.cache_clear()
    assert capsys.readouterr().err.splitlines() == [
        f"verify --run: {said}: an artifact that runs could reach your files and sockets",
        WAY_OUT,
        "1 problem",
    ]


DAEMON = """import os

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "AGE"])
    os._exit(0)
os.wait()
try:
    open(__file__, "a")
except OSError:
    pass
else:
    raise AssertionError("the project can be written")
os.system(f"echo x >> {__file__}")
"""


def test_project_code_leaves_nothing_running_and_writes_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.lay_out(project)
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda: "")
    model, age = project / "dense" / "model.py", f"1002.{os.getpid()}"
    text = DAEMON.replace("AGE", age) + model.read_text()
    model.write_text(text)
    work = job(load(project / "dense" / "model.artifact.yaml"), None)
    (target,) = [each for each in of_manifest(work) if each.folder.parent.name == "weights"]
    target = replace(target, work=replace(work, lock=None))
    verdict = verification.rerun(target, verification.held(target), sources=True)
    assert [fault.message for fault in verdict.faults] == []
    assert verdict.run is not None
    assert verdict.run.loaders == ("artifactbuild",)
    assert not processes.left(f"sleep {age}".split()[1], 5)
    assert model.read_text() == text
