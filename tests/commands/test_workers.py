"""TensorFlow is begun early only where all that is not refused will be built."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.worker.server import Server

Copy = Callable[[Path], Path]
SAMPLE = Path(__file__).parents[1] / "samples" / "dense"


@pytest.mark.parametrize("nothing_is_published", [True, False])
def test_a_refused_manifest_leaves_nothing_behind(
    nothing_is_published: bool,
    copied: Copy,
    project: Path,
    tmp_path: Path,
) -> None:
    manifest = copied(SAMPLE)
    manifest.write_text(manifest.read_text().replace("version: v1", "version: 7.5"))
    if not nothing_is_published:
        (project / "artifacts").mkdir()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    script = f"""
import os, subprocess, sys
started = []
popen = subprocess.Popen
subprocess.Popen = lambda *a, **k: started.append(popen(*a, **k)) or started[-1]
from artifactbuild.cli import run
code = run(["build"])
print(code, [process.poll() is not None for process in started], os.listdir({str(scratch)!r}))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"1 {[True] if nothing_is_published else []} []\n", done.stderr
    assert "version is 7.5 (a number), expected a string or an integer" in done.stderr
    assert sorted(path.name for path in project.iterdir()) == sorted(
        ["dense", "pyproject.toml", *([] if nothing_is_published else ["artifacts"])]
    )


def test_a_server_that_was_only_warmed_ends_at_once() -> None:
    with Server() as server:
        server.warm()
        process = server._process
        assert process is not None
        assert process.poll() is None
    assert process.returncode == -9, "it was not asked to end what it has not begun"
