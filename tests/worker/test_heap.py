"""Memory that is freed serves again, and goes back in the end: counted in pages, by the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

from artifactbuild.worker.settings import PINNED

SCRIPT = """
import ctypes, resource
from contextlib import nullcontext
from pathlib import Path
from artifactbuild.worker import heap

ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE: of huge pages, few are counted
PAGE, LARGE = resource.getpagesize(), 64 << 20

def touched():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    b"x" * LARGE
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * PAGE // LARGE

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE // LARGE

before = held()
with {context}:
    touched()
    print("again", touched(), "held", held() - before)
print("after", held() - before, "anew", touched())
"""


def run(context: str) -> list[str]:
    command = [sys.executable, "-c", SCRIPT.replace("{context}", context)]
    done = subprocess.run(command, env=PINNED, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap")
def test_large_blocks_serve_again_and_go_back_in_the_end() -> None:
    assert run("nullcontext()") == ["again 1 held 0", "after 0 anew 1"]
    assert run("heap.kept()") == ["again 0 held 1", "after 0 anew 1"]
