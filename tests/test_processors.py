"""The tools that let a test build as a different processor would, or be told of one."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.release import environment
from tests import processors
from tests.with_settings import command

Copy = Callable[[Path], Path]

ROOT = Path(__file__).parents[1]
CONVOLVED = Path(__file__).parent / "samples" / "convolved"
FLAGS = "import re; print(re.search('(?m)^(flags|Features).*', open('/proc/cpuinfo').read())[0])"


def built(manifest: Path, artifacts: Path, *words: str) -> str:
    """Build without a lock, in a process of its own; return the digest of the payload."""
    manifest.with_name("model.artifact.lock").unlink(missing_ok=True)
    subprocess.run(
        [*words, "build", "--artifacts", artifacts, manifest],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    (payload,) = artifacts.rglob("model.keras")
    return hashlib.sha256(payload.read_bytes()).hexdigest()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the variable is read on x86-64 alone")
def test_pins_reach_the_kernels_that_train(copied: Copy, tmp_path: Path) -> None:
    manifest = copied(CONVOLVED)
    ours = [sys.executable, "-m", "artifactbuild"]
    known = built(manifest, tmp_path / "ours", *ours)
    assert built(manifest, tmp_path / "pinned", *command(TZ="UTC")) == known
    assert built(manifest, tmp_path / "other", *command(ONEDNN_MAX_CPU_ISA="SSE41")) != known


def test_told_processor_is_seen_by_the_command_alone(tmp_path: Path) -> None:
    words = processors.told(tmp_path, without=["fma", "Features"], also=["amx_int8"])
    shown = subprocess.run(
        [*words, sys.executable, "-c", FLAGS], capture_output=True, text=True, check=True
    )
    assert "amx_int8" in shown.stdout.split()
    assert "fma" not in shown.stdout.split()
    assert "amx_int8" not in environment.here({})["instruction_sets"].split()
