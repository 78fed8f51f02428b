"""What a processor changes: `processor: portable`, and the tools that tests fake one with."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.job import job, manifest_digests
from artifactbuild.manifest.load import load
from artifactbuild.release import environment, record
from artifactbuild.worker import settings
from artifactbuild.worker.server import Server
from tests import processors
from tests.hints.following import follow
from tests.with_settings import command

Copy = Callable[[Path], Path]

ROOT = Path(__file__).parents[1]
CONVOLVED = Path(__file__).parent / "samples" / "convolved"
OURS = (sys.executable, "-m", "artifactbuild")
FLAGS = "import re; print(re.search('(?m)^(flags|Features).*', open('/proc/cpuinfo').read())[0])"
CHOSEN = """
import numpy._core._multiarray_umath as numpy
print(*(name for name in numpy.__cpu_dispatch__ if numpy.__cpu_features__.get(name)))
"""
AVX512 = [name for name in environment.INSTRUCTION_SETS if name.startswith("avx512")]
UP_TO_AVX2 = {"SSSE3", "SSE41", "POPCNT", "SSE42", "AVX", "F16C", "FMA3", "AVX2", "X86_V3"}

x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="the kernels are those of x86-64")
avx512 = pytest.mark.skipif(
    "avx512f" not in environment.instruction_sets().split(), reason="needs a limit to be one"
)


def run(manifest: Path, artifacts: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Build without a lock, in a process of its own."""
    manifest.with_name("model.artifact.lock").unlink(missing_ok=True)
    return subprocess.run(
        [*words, "build", "--artifacts", artifacts, manifest],
        env={**os.environ, "PYTHONPATH": str(ROOT), "SOURCE_DATE_EPOCH": "1767225600"},
        capture_output=True,
        text=True,
        check=False,
    )


def built(manifest: Path, artifacts: Path, *words: str) -> dict[str, str]:
    """Build without a lock; return the digests of what is published, by name."""
    done = run(manifest, artifacts, *(words or OURS))
    assert done.returncode == 0, done.stderr
    (made,) = artifacts.rglob("metadata.json")
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in made.parent.iterdir()}


def portable(manifest: Path) -> Path:
    """Let a manifest ask for kernels that are the same on every processor."""
    text = manifest.read_text()
    manifest.write_text(text.replace("formats:", "processor: portable\nformats:"))
    return manifest


@x86
@avx512
def test_portable_model_is_trained_as_a_processor_without_avx512_trains(
    copied: Copy, tmp_path: Path
) -> None:
    manifest = copied(CONVOLVED)
    native = built(manifest, tmp_path / "native")["model.keras"]
    limits = dict(settings.pins(settings.PORTABLE).items() - settings.PINNED.items())
    smaller = built(manifest, tmp_path / "smaller", *command(**limits))["model.keras"]
    oldest = built(manifest, tmp_path / "oldest", *command(ONEDNN_MAX_CPU_ISA="SSE41"))
    ours = built(portable(manifest), tmp_path / "portable")["model.keras"]
    assert ours == smaller
    assert len({native, smaller, oldest["model.keras"]}) == 3


@x86
def test_portable_version_is_the_same_to_the_byte_when_told_of_no_avx512(
    copied: Copy, tmp_path: Path
) -> None:
    manifest = portable(copied(CONVOLVED))
    here = built(manifest, tmp_path / "here")
    words = processors.told(tmp_path, without=AVX512)
    assert built(manifest, tmp_path / "there", *words, *OURS) == here
    (made,) = (tmp_path / "there").rglob("metadata.json")
    told = record.read(made.parent).environment
    assert told["instruction_set_limit"] == "avx2"
    assert told["instruction_sets"] == "sse4_2 avx avx2 fma"
    assert f"vendor_id\t: {told['processor_maker']}\n" in processors.CPUINFO.read_text()


@x86
def test_portable_model_is_refused_where_there_is_no_avx2(copied: Copy, tmp_path: Path) -> None:
    manifest = portable(copied(CONVOLVED))
    words = processors.told(tmp_path, without=["avx2", *AVX512])
    done = run(manifest, tmp_path / "artifacts", *words, *OURS)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "convolved/model.artifact.yaml:5:12: 'portable' needs an x86-64 processor with sse4_2, "
        "avx, avx2, fma: avx2 missing here\n"
        "    processor: portable\n"
        "               ^ build on a machine that has them, or leave `processor:` out\n"
        "1 problem\n"
    )
    follow(done.stderr, "build on a machine that has them, or leave `processor:` out")
    manifest.write_text(manifest.read_text().replace("processor: portable\n", ""))
    assert run(manifest, tmp_path / "artifacts", *words, *OURS).returncode == 0


def test_native_is_the_default_and_changes_no_digest(copied: Copy) -> None:
    manifest = copied(CONVOLVED)
    before = manifest_digests(job(load(manifest), None))
    text = manifest.read_text()
    manifest.write_text(text + "processor: native\n")
    assert manifest_digests(job(load(manifest), None)) == before
    manifest.write_text(text + "processor: portable\n")
    assert manifest_digests(job(load(manifest), None)).keys() - before.keys() == {"processor"}


def test_numpy_has_no_kernels_above_the_limit() -> None:
    """NumPy renamed what it chooses kernels by in 2.4: a new name must be added to the pins."""
    shown = subprocess.run(
        [sys.executable, "-c", CHOSEN],
        env={**os.environ, **settings.pins(settings.PORTABLE)},
        capture_output=True,
        text=True,
        check=True,
    )
    if platform.machine() == "x86_64":
        assert set(shown.stdout.split()) <= UP_TO_AVX2
    assert shown.stderr == ""


def test_portable_workers_have_a_server_of_their_own_that_ends_with_the_first() -> None:
    with Server() as server:
        other = server.of(settings.PORTABLE)
        assert other is server.of(settings.PORTABLE) is not server is server.of(settings.NATIVE)
        assert other.room is server.room
        server.stop()
        assert other.ended
    with Server() as server:
        server.stop()
        assert server.of(settings.PORTABLE).ended


def test_told_processor_is_seen_by_the_command_alone(tmp_path: Path) -> None:
    words = processors.told(tmp_path, without=["fma", "Features"], also=["amx_int8"])
    shown = subprocess.run(
        [*words, sys.executable, "-c", FLAGS], capture_output=True, text=True, check=True
    )
    assert "amx_int8" in shown.stdout.split()
    assert "fma" not in shown.stdout.split()
    assert "amx_int8" not in environment.here({})["instruction_sets"].split()
