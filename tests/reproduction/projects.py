"""Small projects with a lock and a history."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from artifactbuild.job import job, manifest_digests, source_digests
from artifactbuild.manifest.load import load
from artifactbuild.release import lock
from artifactbuild.release.lock import Locked
from artifactbuild.release.record import Inputs

OWN = Path(__file__).parents[2] / "manifests" / "my_model" / "model.artifact.yaml"


def write_lock(path: Path, *more: str) -> None:
    """Write a lock of a manifest's inputs, as if it had been released."""
    work = job(load(path), None)
    inputs = Inputs(
        manifest=manifest_digests(work), sources=source_digests(work, ["model.py", *more])
    )
    formats = {
        f.name: Locked(options=f.options, size=0, files={}) for f in work.loaded.manifest.formats
    }
    like = lock.read(OWN, "lock")
    assert like is not None
    made = replace(like, model=work.name, version=work.version, inputs=inputs, artifacts=formats)
    lock.write(made, path)


def git(*arguments: str) -> str:
    known = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", *known, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def committed(message: str) -> None:
    if not Path(".git").exists():
        git("init", "-q", "-b", "main")
    git("add", "--all")
    git("commit", "-q", "-m", message)


def edit(manifest: Path) -> None:
    source = manifest.parent / "model.py"
    source.write_text(source.read_text() + "edited = 1\n")
