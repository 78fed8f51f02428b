"""Two builds of one model, early in a process and late in another, in other places: equal bytes.

The late one has built and traced other models before, asks for more formats or for the same in
reversed order, and has another number of threads.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.worker.canonical import saving
from tests.worker.canonical.conftest import Twice


def digests(folder: Path) -> dict[str, str]:
    """Give a digest of each file: bytes themselves would flood a failing assertion."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("model", saving.MODELS)
def test_model_is_built_without_findings(model: str, twice: Twice) -> None:
    for folder in (twice.early, twice.late):
        assert json.loads((folder / model / "findings.json").read_text()) == []


@pytest.mark.parametrize("model", saving.MODELS)
def test_payloads_are_the_same_bytes(model: str, twice: Twice) -> None:
    late = saving.FORMATS.get(model, ("savedmodel",))
    early = [name for name in late if (twice.early / model / name).is_dir()]
    assert early == list(saving.early(model))
    for name in early:
        expected = digests(twice.early / model / name)
        assert len(expected) > 1
        assert digests(twice.late / model / name) == expected
