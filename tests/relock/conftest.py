"""What the tests of relock share: released projects, one server, another NumPy by its name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from artifactbuild import pipeline
from artifactbuild.commands import workers
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.release import environment
from artifactbuild.worker.server import Server
from tests.relock.projects import lay


@pytest.fixture(scope="package")
def released(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release a project of one manifest with two formats, once."""
    project = tmp_path_factory.mktemp("released") / "project"
    project.mkdir()
    manifest = lay(project, "dense", "keras, weights")
    pipeline.build(job(load(manifest), None), server, lambda text: None)
    return project


@pytest.fixture
def here(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Path:
    """Stand in a copy of the released project; rebuilds come from the shared server."""
    project = tmp_path / "project"
    shutil.copytree(released, project, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(project)
    monkeypatch.setattr(workers, "server", lambda wish: nullcontext(server))
    return project


@pytest.fixture
def numpy_9(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Give what makes NumPy another version by the name of its metadata, here and in children."""

    def upgrade() -> None:
        folder = tmp_path_factory.mktemp("site")
        (folder / "numpy-9.9.9.dist-info").mkdir()
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
        environment._version.cache_clear()

    yield upgrade
    environment._version.cache_clear()
