"""A rebuilt version held against its lock: what differs is named, file by file."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
import pytest

from artifactbuild.release import record
from artifactbuild.release.digest import of_folder
from artifactbuild.release.lock import Lock
from artifactbuild.release.store import Store
from artifactbuild.reproduction import compare
from artifactbuild.reproduction.nouns import Compared, Place, Rebuilt, Released
from artifactbuild.worker.server import Server

Change = Callable[[Path], None]


@pytest.fixture
def rebuilt(every: Released, tmp_path: Path) -> Place:
    """Give a place whose artifacts are those of the released version, to be changed."""
    shutil.copytree(every.work.store.root, tmp_path / "artifacts")
    for path in tmp_path.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    loaded = every.work.loaded
    return Place(
        base=tmp_path,
        project=loaded.project,
        manifest=loaded.path,
        artifacts=tmp_path / "artifacts",
    )


def held(every: Released, place: Place, server: Server) -> dict[str, Compared]:
    """Hold a place's artifacts against the lock, in the environment of the release."""
    made = Rebuilt(place=place, lock=_relocked(every, place))
    return {each.name: each for each in compare.compare(every, made, [], server)}


def _relocked(every: Released, place: Place) -> Lock:
    artifacts = {
        name: replace(locked, files=of_folder(place.artifacts / "every" / name / "v1"))
        for name, locked in every.lock.artifacts.items()
    }
    return replace(every.lock, artifacts=artifacts)


def lines(found: Compared) -> list[str]:
    return [f"{each.file}: {each.what}" for each in found.differences]


def in_json(*keys: Any, value: Any) -> Change:
    def change(path: Path) -> None:
        data = inner = json.loads(path.read_text())
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        path.write_text(json.dumps(data))

    return change


def in_bytes(before: bytes, after: bytes) -> Change:
    """Put bytes of the same length in another's place, so that a file can still be read."""
    assert len(before) == len(after)

    def change(path: Path) -> None:
        content = path.read_bytes()
        assert before in content
        path.write_bytes(content.replace(before, after))

    return change


def in_archive(member: str, change: Change) -> Change:
    def changed(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            contents = [(info, archive.read(info)) for info in archive.infolist()]
        inner = path.with_name("inner")
        with zipfile.ZipFile(path, "w") as archive:
            for info, content in contents:
                if info.filename == member:
                    inner.write_bytes(content)
                    change(inner)
                    content = inner.read_bytes()
                    inner.unlink()
                archive.writestr(info, content)

    return changed


def in_dataset(name: str) -> Change:
    def change(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            file[name][...] = np.asarray(file[name]) + 1

    return change


def in_arrays(name: str, by: float) -> Change:
    def change(path: Path) -> None:
        with np.load(path) as arrays:
            known = {key: arrays[key] for key in arrays.files}
        known[name] = known[name] + np.float32(by)
        np.savez(path, **known)

    return change


def later(path: Path) -> None:
    """Give the first member of an archive another time."""
    with zipfile.ZipFile(path) as archive:
        contents = [(info, archive.read(info)) for info in archive.infolist()]
    contents[0][0].date_time = (2026, 1, 2, 3, 4, 6)
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in contents:
            archive.writestr(info, content)


def reordered(path: Path) -> None:
    path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items()))))


def in_onnx(path: Path) -> None:
    model = onnx.load(path)
    model.graph.node[1].name = "another"
    onnx.save(model, path)


def another_checkpoint(path: Path) -> None:
    """Put the checkpoint of the SavedModel in its place."""
    variables = path.parents[2] / "savedmodel" / "v1" / "variables"
    for suffix in ("index", "data-00000-of-00001"):
        shutil.copy(variables / f"variables.{suffix}", path.with_name(f"ckpt.{suffix}"))


def appended(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


CASES: dict[str, tuple[str, str, Change, str]] = {
    "keras_config": (
        "keras",
        "model.keras",
        in_archive("config.json", in_json("config", "layers", 4, "config", "rate", value=0.5)),
        r"member 'config.json': config.layers\[4\].config.rate is 0.5, was 0.2",
    ),
    "keras_weights": (
        "keras",
        "model.keras",
        in_archive("model.weights.h5", in_dataset("layers/dense/vars/1")),
        r"member 'model.weights.h5': dataset 'layers/dense/vars/1'\[0\] is \S+, was \S+ "
        r"\(by at most 1\)",
    ),
    "keras_time": (
        "keras",
        "model.keras",
        later,
        r"member 'config.json'.date_time\[0\] is 2026, was 1980",
    ),
    "h5_dataset": (
        "h5",
        "model.h5",
        in_dataset("model_weights/y/y/bias"),
        r"dataset 'model_weights/y/y/bias'\[0\] is \S+, was \S+ \(by at most 1\)",
    ),
    "h5_attribute": (
        "h5",
        "model.h5",
        in_bytes(b'"filters": 4', b'"filters": 5'),
        r"attribute of '/': model_config.config.layers\[1\].config.filters is 5, was 4",
    ),
    "weights_h5": (
        "weights_h5",
        "model.weights.h5",
        appended,
        r"has \d+ bytes, had (\d+); the first \1 are the same",
    ),
    "json": (
        "h5",
        "metadata.json",
        in_json("input_signature", 0, "name", value="picture"),
        r"input_signature\[0\].name is 'picture', was 'image'",
    ),
    "json_order": (
        "savedmodel",
        "assets.extra/keras/config.json",
        reordered,
        r"the order: 'registered_name' now comes where 'build_config' came",
    ),
    "arrays": (
        "h5",
        "reference.npz",
        in_arrays("rows/graph/output", 0.5),
        r"array 'rows/graph/output'\[0, 0\] is \S+, was \S+ \(by at most 0.5\)",
    ),
    "node": (
        "savedmodel",
        "saved_model.pb",
        in_bytes(b"Conv2D", b"Conv3D"),
        r"function '\w+' node '\S+'.op is 'Conv3D', was 'Conv2D'",
    ),
    "onnx": ("onnx", "model.onnx", in_onnx, r"node '\w+' is gone"),
    "tensor": (
        "tflite",
        "model.tflite",
        in_bytes(b"serving_default_image", b"serving_default_imago"),
        r"subgraphs\['main'\].tensors\['serving_default_image:0'\] is gone",
    ),
    "variable": (
        "weights",
        "ckpt.data-00000-of-00001",
        another_checkpoint,
        r"variable 'optimizer/0' is gone",
    ),
}
"""Format and file, how it is changed, and what `reproduce` must say of it."""


@pytest.mark.parametrize("case", CASES)
def test_first_difference_is_named(
    every: Released, rebuilt: Place, server: Server, case: str
) -> None:
    name, file, change, what = CASES[case]
    change(rebuilt.artifacts / "every" / name / "v1" / file)
    found = held(every, rebuilt, server)
    said = {each.file: each.what for each in found[name].differences}
    assert re.fullmatch(what, said[file]), said
    assert {n for n, each in found.items() if each.outcome == "differs"} == {name, "lock"}
    assert lines(found["lock"]) == ["lock: has the digests of the above"]


def test_files_that_are_new_or_gone_are_named(
    every: Released, rebuilt: Place, server: Server
) -> None:
    folder = rebuilt.artifacts / "every" / "savedmodel" / "v1"
    (folder / "variables" / "variables.index").rename(folder / "another")
    found = held(every, rebuilt, server)
    assert lines(found["savedmodel"]) == [
        "another: is new",
        "variables/variables.index: is gone",
    ]


def test_without_the_published_files_only_digests_are_known(
    every: Released, rebuilt: Place, server: Server, tmp_path: Path
) -> None:
    appended(rebuilt.artifacts / "every" / "h5" / "v1" / "model.h5")
    away = replace(every, work=replace(every.work, store=Store(root=tmp_path / "none")))
    found = held(away, rebuilt, server)
    assert lines(found["h5"]) == [
        "model.h5: the lock has only digests, and what it names is not in the store"
    ]


def test_an_earlier_rebuild_that_is_as_the_lock_says_is_compared_with(
    every: Released, rebuilt: Place, server: Server, tmp_path: Path
) -> None:
    shutil.copytree(rebuilt.artifacts, tmp_path / "earlier" / "artifacts")
    earlier = replace(rebuilt, artifacts=tmp_path / "earlier" / "artifacts")
    in_arrays("rows/graph/output", 0.5)(rebuilt.artifacts / "every/h5/v1/reference.npz")
    away = replace(every, work=replace(every.work, store=Store(root=tmp_path / "none")))
    made = Rebuilt(place=rebuilt, lock=_relocked(away, rebuilt))
    found = {each.name: each for each in compare.compare(away, made, [earlier], server)}
    assert any(line.startswith("reference.npz: array 'rows/") for line in lines(found["h5"]))


def elsewhere(every: Released) -> Released:
    """Give the released version as if it had been made with another TensorFlow."""
    then = {**every.lock.environment, "tensorflow": "2.20.0", "threads": "4"}
    return replace(every, lock=replace(every.lock, environment=then))


def test_in_another_environment_figures_may_differ_and_drift_is_named(
    every: Released, rebuilt: Place, server: Server
) -> None:
    folder = rebuilt.artifacts / "every" / "h5" / "v1"
    in_json("checks", 1, "max_abs", value=1.5e-7)(folder / "metadata.json")
    in_json("checks", 1, "bound", value=1.5e-6)(folder / "metadata.json")
    in_arrays("rows/graph/output", 1e-7)(folder / "reference.npz")
    before = elsewhere(every)
    made = replace(_relocked(every, rebuilt), environment=every.lock.environment)
    (h5,) = [
        each
        for each in compare.compare(before, Rebuilt(place=rebuilt, lock=made), [], server)
        if each.name == "h5"
    ]
    assert h5.outcome == "same payload"
    assert [(each.file, each.figure) for each in h5.differences] == [
        ("metadata.json", True),
        ("reference.npz", True),
    ]
    assert compare.drift(before, made) == (
        f"tensorflow 2.20.0 → {made.environment['tensorflow']}",
        "threads 4 → 2",
    )


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("metadata.json", in_json("checks", 1, "passed", value=False)),
        ("reference.npz", in_arrays("rows/graph/output", 1e-3)),
        ("reference.npz", in_arrays("rows/inputs/image", 1e-7)),
        ("model.h5", in_dataset("model_weights/y/y/bias")),
    ],
)
def test_even_in_another_environment_verdicts_inputs_and_payload_must_not_differ(
    every: Released, rebuilt: Place, server: Server, file: str, change: Change
) -> None:
    change(rebuilt.artifacts / "every" / "h5" / "v1" / file)
    made = replace(_relocked(every, rebuilt), environment=every.lock.environment)
    found = compare.compare(elsewhere(every), Rebuilt(place=rebuilt, lock=made), [], server)
    outcomes = {each.name: each.outcome for each in found}
    assert outcomes == {
        **dict.fromkeys(every.work.formats, "identical"),
        "h5": "differs",
        "lock": "differs",
    }


def test_lock_that_tells_another_layer_is_named_by_it(
    every: Released, rebuilt: Place, server: Server
) -> None:
    made = _relocked(every, rebuilt)
    layers = (replace(made.layers[0], kind="Another"), *made.layers[1:])
    again = Rebuilt(place=rebuilt, lock=replace(made, layers=layers))
    found = compare.compare(every, again, [], server)
    assert lines(found[-1]) == ["lock: layers[0].kind is 'Another', was 'InputLayer'"]


def test_inputs_that_were_not_read_again_are_named(
    every: Released, rebuilt: Place, server: Server
) -> None:
    made = _relocked(every, rebuilt)
    made = replace(made, inputs=replace(made.inputs, sources={}))
    found = compare.compare(every, Rebuilt(place=rebuilt, lock=made), [], server)
    assert lines(found[-1]) == ["lock: other inputs: model.py was not read"]


def test_record_has_the_environment_of_its_own_format_and_the_lock_that_of_all(
    every: Released,
) -> None:
    """So a format that joins a released version leaves the records of the others as they were."""
    h5 = record.read(every.work.folder("h5")).environment
    onnx_too = record.read(every.work.folder("onnx")).environment
    assert set(onnx_too) - set(h5) == {"onnx", "onnxruntime", "tf2onnx"}
    assert {*h5, *onnx_too, "flatbuffers"} == set(every.lock.environment)
