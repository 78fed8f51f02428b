"""A bounded part of what `python -m tests.fuzz` does: a thousand cases, the same in every run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from artifactbuild.cli import run
from tests.fuzz import mutations
from tests.fuzz.cases import DRAWS, Draw, try_case
from tests.fuzz.ground import Ground, laid_out, put_record

CASES = {"manifests": 400, "locks": 250, "records": 250, "cards": 100}


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder, before = tmp_path_factory.mktemp("fuzzed"), Path.cwd()
    (folder / "pyproject.toml").touch()
    os.chdir(folder)
    yield laid_out(folder)
    os.chdir(before)


@pytest.mark.parametrize("kind", CASES)
def test_damaged_files_are_located_problems(at: Ground, kind: str) -> None:
    @settings(
        max_examples=CASES[kind],
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(DRAWS)
    def every(draw: Draw) -> None:
        try_case(at, kind, draw)

    every()


def _spent(command: list[str]) -> float:
    began = time.perf_counter()
    assert run(command) in (0, 1)
    return time.perf_counter() - began


@pytest.mark.parametrize("size", [600])
def test_time_is_linear_in_the_size_of_a_record(
    at: Ground, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten times the layers take far less than a hundred times as long."""

    def record(layers: int) -> None:
        made = mutations.changed(at.record, [])
        first = made["architecture"]["layers"][1]
        made["architecture"]["layers"] = [
            {**first, "name": f"l{n}", "inputs": [f"l{n - 1}", f"l{n // 2}"]} for n in range(layers)
        ]
        put_record(at, mutations.text_of(made))

    for command in (["card", "--format", "keras"], ["show"], ["check"], ["verify"]):
        record(size)
        small = max(_spent(command), _spent(command), 0.05)
        record(10 * size)
        assert _spent(command) < 40 * small, command


@pytest.mark.parametrize("text", ["a", "\x1b", "[", "@", "`", "é\u202e"])
def test_time_is_linear_in_the_length_of_a_text(
    at: Ground, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def manifest(length: int) -> None:
        made = {**at.manifest, "name": text * length, "metadata": {"notes": text * length}}
        at.place.write_bytes(mutations.text_of(made))

    manifest(3_000)
    small = max(_spent(["check"]), _spent(["check"]), 0.05)
    manifest(30_000)
    assert _spent(["check"]) < 40 * small
