"""Whatever a factory reads under its project is an input: `check` names it once it has changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.worker.inputs import kinds_of_reads
from tests.worker.inputs.kinds_of_reads import AFTER, BEFORE, KINDS

Drift = Mapping[str, list[str]]


def artifactbuild(root: Path, environ: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Run a command in a process of its own, as its environment is one of the inputs."""
    command = [sys.executable, "-m", "artifactbuild", *arguments]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True)
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Drift, Drift]:
    """Build a project of each kind, change what it reads; return the drift of before and after."""
    base = tmp_path_factory.mktemp("reads")
    root, library = base / "root", base / "library"
    kinds_of_reads.lay(root, library)
    (root / "pyproject.toml").touch()
    environ = kinds_of_reads.environment(library, BEFORE)
    code, told = artifactbuild(root, environ, "build")
    assert code == 0, told
    before = drift(root, environ, 0)
    kinds_of_reads.change(root, library)
    after = drift(root, kinds_of_reads.environment(library, AFTER), 1)
    return before, after


def drift(root: Path, environ: Mapping[str, str], expected: int) -> Drift:
    code, told = artifactbuild(root, environ, "check", "--json")
    assert code == expected, told
    return {
        each["model"]: [f"{one['name']}: {one['sentence']}" for one in each["drift"]]
        for each in json.loads(told)["manifests"]
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_an_input(kind: str, found: tuple[Drift, Drift]) -> None:
    before, after = found
    assert before[kind] == []
    assert KINDS[kind].drift in after[kind]
