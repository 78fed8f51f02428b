"""A released version that the tests of reproduction share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import pipeline
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.reproduction import released
from artifactbuild.reproduction.nouns import Released
from artifactbuild.worker.server import Server
from tests.reproduction.projects import write_lock

DENSE = Path(__file__).parents[1] / "samples" / "dense"
EVERY = Path(__file__).parents[1] / "samples" / "every"


@pytest.fixture(scope="package")
def every(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Give a released version with every format; nobody may change its project."""
    project = tmp_path_factory.mktemp("every") / "project"
    shutil.copytree(EVERY, project, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "pyproject.toml").touch()
    manifest = (project / "manifest.yaml").rename(project / "model.artifact.yaml")
    pipeline.build(job(load(manifest), None), server, lambda text: None)
    (found,) = released.from_tree([job(load(manifest), None)])
    return found


@pytest.fixture
def manifest(copied: Callable[[Path], Path]) -> Path:
    """Give a manifest with a lock of its inputs, as if it had been released."""
    path = copied(DENSE)
    write_lock(path)
    return path
