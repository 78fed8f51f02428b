"""What all tests share: the golden flag, one TensorFlow server, and projects to build in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from artifactbuild import pipeline
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.pipeline import Outcome
from artifactbuild.worker.server import Server

ROOT = Path(__file__).parents[1]
HIDDEN = "manifest.yaml"
"""What manifests of tests are called, so that a build of this repository does not find them."""

Build = Callable[[Path], Outcome]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag that writes golden files anew."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Tell whether golden files are to be written instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the indexes of tests out of the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Share one TensorFlow process; every build and validation is a clean fork of it."""
    with Server() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty project and stand in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def copied(project: Path) -> Callable[[Path], Path]:
    """Copy a folder with a manifest into the project; return the manifest's path."""

    def copy(source: Path) -> Path:
        target = project / source.name
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.lock", "__pycache__"))
        manifest = target / "model.artifact.yaml"
        if not manifest.exists():
            (target / HIDDEN).rename(manifest)
        return manifest

    return copy


@pytest.fixture
def build(server: Server) -> Build:
    """Build one manifest in the shared server."""

    def built(manifest: Path) -> Outcome:
        return pipeline.build(job(load(manifest), None), server, lambda text: None).outcome

    return built
