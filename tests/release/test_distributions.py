"""The versions of what a project's code imports."""

from __future__ import annotations

import sys
from pathlib import Path

import jsonschema
import pytest

from artifactbuild.release import distributions


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def test_distribution_is_found_by_its_module(library: Path) -> None:
    (library / "third_party-1.0.dist-info").mkdir()
    assert distributions.versions(["third_party"]) == {"third_party": "1.0"}
    own = {"scikit-learn": distributions.now({"scikit-learn": "0"})["scikit-learn"]}
    assert distributions.versions(["sklearn", "os", "re"]) == own


def test_tensorflow_and_what_it_needs_are_the_environments() -> None:
    assert distributions.versions(["keras", "numpy", "tensorflow", "absl", "h5py"]) == {}
    assert "jsonschema" in distributions.versions(["jsonschema", "numpy"])
    assert jsonschema


def test_versions_as_they_are_now(library: Path) -> None:
    (library / "third_party-2.0.dist-info").mkdir()
    before = {"third_party": "1.0", "gone": "1.0", "optional": "missing"}
    assert distributions.now(before) == {"third_party": "2.0", "optional": "missing"}
    (library / "optional.py").touch()
    assert distributions.now({"optional": "missing"}) == {"optional": "installed"}
