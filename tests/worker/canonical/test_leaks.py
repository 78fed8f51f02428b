"""No file holds a path, user or host of where it was made."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from artifactbuild.pipeline import Outcome
from tests.worker.canonical import saving
from tests.worker.canonical.conftest import SOMEONE, Twice
from tests.worker.formats import projects
from tests.worker.formats.projects import case, chain

SOURCE = re.compile(rb"/(?:[\w.-]+/)+[\w.-]+\.py\b")
"""An absolute path of Python code, as a stack trace has it."""


ENCODED = re.compile(rb'"((?:[A-Za-z0-9+/=]|\\n){60,})"')
"""Bytecode as Keras writes it into JSON, in base64."""


def leaks(folder: Path, names: tuple[str, ...]) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        for code in ENCODED.findall(content):
            content += base64.b64decode(code.replace(rb"\n", b""))
        for name in names:
            if name.encode() in content:
                yield f"{path.name}: {name}"
        yield from (f"{path.name}: {found.decode()}" for found in SOURCE.findall(content))


@pytest.mark.parametrize("model", saving.MODELS)
def test_payload_tells_nothing_of_where_it_was_made(model: str, twice: Twice) -> None:
    for folder in (twice.early, twice.late):
        names = (str(folder.parent), SOMEONE, socket.gethostname())
        for format in saving.FORMATS.get(model, ("savedmodel",)):
            assert list(leaks(folder / model / format, names)) == []


def test_search_finds_what_the_originals_tell(twice: Twice) -> None:
    for model, original in {"lambda": "raw", "vocabulary": "raw/savedmodel"}.items():
        assert list(leaks(twice.late / model / original, (str(twice.late),))) != []


def test_record_and_card_tell_nothing_of_where_they_were_made(
    project: Path, build: Callable[[Path], Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = projects.project(
        project,
        chain("(4,)", "layers.Dense(3)"),
        "[savedmodel, keras, weights]",
        case("{normal: true, shape: [8, 4]}"),
    )
    build(manifest)
    names = (str(project), str(Path.home()) + "/", socket.gethostname())
    assert list(leaks(project / "artifacts", names)) == []
