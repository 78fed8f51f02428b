"""The manifests that a verb's arguments stand for, loaded."""

from __future__ import annotations

from pathlib import Path

from artifactbuild.commands.arguments import FORMAT, JSON, PATHS, artifacts
from artifactbuild.job import Job, job
from artifactbuild.manifest.load import load_all

__all__ = ["ARTIFACTS", "FORMAT", "JSON", "PATHS", "jobs"]

ARTIFACTS = artifacts(Path)


def jobs(paths: tuple[str, ...], root: Path | None) -> tuple[Job, ...]:
    """Load every manifest that the arguments name; raises Refusal with the problems of all."""
    loaded = load_all(paths, Path.cwd())
    return tuple(job(each, root) for each in loaded)
