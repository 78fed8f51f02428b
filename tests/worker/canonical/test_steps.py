"""Each step is needed: without it, the same model has other bytes; with all, twice is once."""

from __future__ import annotations

import itertools
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from tensorflow.core.protobuf import fingerprint_pb2

from artifactbuild.worker.canonical import archive, opgraph, savedmodel
from artifactbuild.worker.canonical.savedmodel import fingerprint
from tests.worker.canonical import saving
from tests.worker.canonical.conftest import Twice
from tests.worker.canonical.test_identity import digests

GUARDS = ("check",)
"""Steps that change nothing: see test_unknown.py."""

Rewritten = Callable[[str, str], dict[str, str]]


def reverse_members(path: Path) -> None:
    """Turn the order of an archive's members round: Keras writes them as a directory lists them."""
    with zipfile.ZipFile(path) as opened:
        members = [(name, opened.read(name)) for name in opened.namelist()]
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in members[::-1]:
            opened.writestr(name, content)


def changing(steps: tuple[Callable[..., Any], ...]) -> list[Callable[..., Any]]:
    return [step for step in steps if step.__name__ not in GUARDS]


def without(step: Callable[..., Any], steps: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(each for each in steps if each is not step)


@pytest.fixture
def rewritten(twice: Twice, tmp_path: Path) -> Rewritten:
    """Rewrite what the formats' writers left for one condition; give the digests."""

    def rewrite(model: str, condition: str) -> dict[str, str]:
        target = tmp_path / condition / model
        shutil.copytree(getattr(twice, condition) / model / "raw", target)
        if condition == "late" and (target / "model.keras").is_file():
            reverse_members(target / "model.keras")
        if (target / "savedmodel").is_dir():
            savedmodel.rewrite(target / "savedmodel")
        if (target / "model.keras").is_file():
            archive.rewrite(target / "model.keras")
        if (target / "model.onnx").is_file():
            path = target / "model.onnx"
            path.write_bytes(opgraph.canonical(onnx.load(path)))
        return digests(target)

    return rewrite


def differing(rewritten: Rewritten, suffix: str) -> Iterator[str]:
    """Yield the models of which a file of that kind comes out differently for the two builds."""
    for model in saving.MODELS:
        early, late = rewritten(model, "early"), rewritten(model, "late")
        common = [name for name in early if name in late and name.endswith(suffix)]
        if any(early[name] != late[name] for name in common):
            yield model


def test_with_all_steps_nothing_differs_and_twice_is_once(
    rewritten: Rewritten, tmp_path: Path
) -> None:
    assert list(differing(rewritten, "")) == []
    for model in saving.MODELS:
        folder = tmp_path / "late" / model
        once = digests(folder)
        savedmodel.rewrite(folder / "savedmodel")
        if (folder / "model.keras").exists():
            archive.rewrite(folder / "model.keras")
        if (folder / "model.onnx").exists():
            content = opgraph.canonical(onnx.load(folder / "model.onnx"))
            (folder / "model.onnx").write_bytes(content)
        assert digests(folder) == once


@pytest.mark.parametrize("step", changing(savedmodel.STEPS))
def test_savedmodel_needs_the_step(
    step: Any, rewritten: Rewritten, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(savedmodel, "STEPS", without(step, savedmodel.STEPS))
    assert next(differing(rewritten, "saved_model.pb"), None) is not None


def test_savedmodel_needs_the_fingerprint(
    rewritten: Rewritten, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "write", lambda folder: None)
    assert next(differing(rewritten, "fingerprint.pb"), None) is not None


def test_fingerprint_needs_its_uuid(rewritten: Rewritten, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow 2.18 writes none, neither in Python nor in C++: then nothing differs."""
    has_one = "uuid" in fingerprint_pb2.FingerprintDef.DESCRIPTOR.fields_by_name

    def write(folder: Path) -> None:
        fingerprint.write_fingerprint(str(folder))

    monkeypatch.setattr(fingerprint, "write", write)
    assert (next(differing(rewritten, "fingerprint.pb"), None) is not None) == has_one


@pytest.mark.parametrize("step", changing(archive.STEPS))
def test_keras_needs_the_step(
    step: Any, rewritten: Rewritten, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "STEPS", without(step, archive.STEPS))
    assert next(differing(rewritten, ".keras"), None) is not None


def test_keras_needs_members_without_a_date(
    rewritten: Rewritten, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(1_700_000_000, 60)
    monkeypatch.setattr(time, "time", lambda: next(clock))

    def dated(name: str) -> zipfile.ZipInfo:
        return zipfile.ZipInfo(name, time.localtime(time.time())[:6])

    monkeypatch.setattr(archive, "_dateless", dated)
    assert next(differing(rewritten, ".keras"), None) is not None
