"""Releases in a git repository, as a build would leave them; nothing is built."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from artifactbuild.job import inputs_now, job, source_digests
from artifactbuild.manifest.load import load
from artifactbuild.release import lock
from artifactbuild.release.record import Inputs
from tests.review.sides import LOCK

MANIFEST = """\
schema_version: 1
name: {name}
version: {version}
factory: model:make_model
formats: {formats}
reference_inputs:
  - name: rows
    x: {{normal: true, shape: [8, 4]}}
metadata:
  about:
    license: mit
  notes: {notes}
"""

MODEL = "def make_model():\n    return {}\n"


def git(*arguments: str) -> str:
    """Run git as its user would, in the current folder."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgSign=false"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(message: str = "more") -> str:
    """Commit all that there is; return the commit."""
    git("add", "-A")
    git("commit", "-qm", message)
    return git("rev-parse", "HEAD")


def wish(
    name: str = "iris",
    version: str = "v1",
    *,
    model: str = "1",
    formats: str = "[keras]",
    notes: str = "first",
) -> Path:
    """Write a manifest and its factory, and no lock."""
    folder = Path(name)
    folder.mkdir(exist_ok=True)
    (folder / "model.py").write_text(MODEL.format(model))
    manifest = folder / "model.artifact.yaml"
    text = MANIFEST.format(name=name, version=version, formats=formats, notes=notes)
    manifest.write_text(text)
    return manifest


def release(name: str = "iris", version: str = "v1", **wished: str) -> Path:
    """Write a model and its lock as a build would; the payload follows from the factory."""
    manifest = wish(name, version, **wished)
    work = job(load(manifest), None)
    sources = source_digests(work, ["model.py"])
    inputs = inputs_now(work, [Inputs(manifest={}, sources=sources)])
    asked = work.loaded.manifest.formats
    known = replace(
        LOCK,
        model=name,
        version=work.version,
        inputs=inputs,
        environment={},
        artifacts={
            each.name: replace(
                LOCK.artifacts["keras"],
                options=each.options,
                files={"model.keras": sources["model.py"], "metadata.json": "00"},
            )
            for each in asked
        },
    )
    lock.write(known, manifest)
    return manifest
