"""Hostile payloads with records that fit them: level 2 finds each without loading it.

Each maker changes the artifact of one format, named first; the record is made to fit afterwards.
"""

from __future__ import annotations

import base64
import io
import json
import marshal
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.hostile import graphs
from tests.hostile.ground import Ground
from tests.hostile.manifests import Writes

Make = Callable[[Ground, Path], None]


def _keras(change: Callable[[Ground, dict[str, bytes]], None]) -> tuple[str, Make]:
    """Change the members of the archive."""

    def make(at: Ground, folder: Path) -> None:
        path = folder / "model.keras"
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        change(at, members)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return "keras", make


def _zip(change: Callable[[zipfile.ZipFile], None]) -> tuple[str, Make]:
    """Add to the archive as it is."""

    def make(at: Ground, folder: Path) -> None:
        with zipfile.ZipFile(folder / "model.keras", "a") as archive:
            change(archive)

    return "keras", make


def layer(change: Callable[[Ground], dict[str, Any]]) -> tuple[str, Make]:
    """Put an object in the place of the dropout layer."""

    def put(at: Ground, members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        layers = config["config"]["layers"]
        index = next(n for n, each in enumerate(layers) if each["class_name"] == "Dropout")
        layers[index] = {**layers[index], **change(at)}
        members["config.json"] = json.dumps(config).encode()

    return _keras(put)


def _bytecode(at: Ground) -> str:
    code = compile(f"lambda x: open({str(at.marker)!r}, 'w') and x", "<x>", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(code)).decode()


def _lambda(at: Ground) -> dict[str, Any]:
    function = {"class_name": "__lambda__", "config": {"code": _bytecode(at), "defaults": None}}
    return {"class_name": "Lambda", "config": {"name": "dropout", "function": function}}


def _legacy_lambda(at: Ground) -> dict[str, Any]:
    config = {"name": "dropout", "function": [_bytecode(at), None, None]}
    return {"class_name": "Lambda", "config": {**config, "function_type": "lambda"}}


def _function(module: str, name: str) -> Callable[[Ground], dict[str, Any]]:
    function = {"class_name": "function", "config": name, "module": module}
    config = {"name": "dropout", "function": {**function, "registered_name": name}}
    return lambda at: {"class_name": "Lambda", "config": config}


def _object(module: str | None, name: str, **config: Any) -> Callable[[Ground], dict[str, Any]]:
    return lambda at: {
        "class_name": name,
        "module": module,
        "registered_name": None,
        "config": {"name": "dropout", **config},
    }


def _vocabulary(at: Ground) -> dict[str, Any]:
    return _object("keras.layers", "StringLookup", vocabulary=str(at.canary))(at)


def _inner(change: Callable[[Ground, h5py.File], None]) -> tuple[str, Make]:
    """Change the HDF5 file inside the archive."""

    def put(at: Ground, members: dict[str, bytes]) -> None:
        buffer = io.BytesIO(members["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            change(at, file)
        members["model.weights.h5"] = buffer.getvalue()

    return _keras(put)


def _hdf5(change: Callable[[Ground, h5py.File], None]) -> tuple[str, Make]:
    def make(at: Ground, folder: Path) -> None:
        with h5py.File(folder / "model.weights.h5", "r+") as file:
            change(at, file)

    return "weights_h5", make


def _external_link(at: Ground, file: h5py.File) -> None:
    file["layers/stolen"] = h5py.ExternalLink(str(at.canary), "/x")


def _soft_link(at: Ground, file: h5py.File) -> None:
    file["layers/other"] = h5py.SoftLink("/layers")


def _loop(at: Ground, file: h5py.File) -> None:
    file["layers/loop"] = file["/"]


def _external_storage(at: Ground, file: h5py.File) -> None:
    file.create_dataset("stolen", (16,), "u1", external=[(str(at.canary), 0, 16)])


def _virtual(at: Ground, file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(at.canary), "x", (4,))
    file.create_virtual_dataset("stolen", layout)


def _bomb(at: Ground, file: h5py.File) -> None:
    file.create_dataset("bomb", (1 << 40,), "f4", chunks=(1024,))


def _filtered(at: Ground, file: h5py.File) -> None:
    file.create_dataset("small", data=np.zeros(100_000, "f4"), compression="gzip")


def _references(at: Ground, file: h5py.File) -> None:
    file.create_dataset("texts", data=["a", "b"], dtype=h5py.string_dtype())


def _stored_type(at: Ground, file: h5py.File) -> None:
    file["type"] = np.dtype("f4")


def _loss(at: Ground, folder: Path) -> None:
    with h5py.File(folder / "model.h5", "r+") as file:
        config = json.loads(file.attrs["training_config"])
        config["loss"] = {
            "class_name": "function",
            "config": "system",
            "module": "os",
            "registered_name": "system",
        }
        file.attrs["training_config"] = json.dumps(config)


def _hidden(at: Ground, folder: Path) -> None:
    path = folder / "model.keras"
    path.write_bytes(b"#!/bin/sh\ntouch marker\nexit\n" + path.read_bytes())


def _zip_between(name: str, content: bytes) -> Callable[[Ground, Path], None]:
    """Put a second member before the directory, which does not list it."""

    def make(at: Ground, folder: Path) -> None:
        path = folder / name
        raw, end = path.read_bytes(), path.read_bytes().rindex(b"PK\5\6")
        start = struct.unpack_from("<I", raw, end + 16)[0]
        header = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, *[len(content)] * 2, 11, 0)
        more = header + b"config.json" + content
        place = struct.pack("<I", start + len(more))
        path.write_bytes(raw[:start] + more + raw[start : end + 16] + place + raw[end + 20 :])

    return make


def _at_the_end(name: str) -> Callable[[Ground, Path], None]:
    def make(at: Ground, folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.write(b"\n#!/bin/sh\ntouch marker\n")

    return make


def _in_front(at: Ground, folder: Path) -> None:
    path = folder / "model.weights.h5"
    path.write_bytes(b"#!/bin/sh\ntouch marker\nexit\n".ljust(512, b"\n") + path.read_bytes())


def _declared(case: tuple[str, Make], name: str, target: str) -> tuple[str, Make]:
    """Let the record declare what the configuration names."""
    format, make = case

    def put(at: Ground, folder: Path) -> None:
        make(at, folder)
        path = folder / "metadata.json"
        metadata = json.loads(path.read_text())
        item = {"target": target, "kind": "function", "name": name, "registered": True}
        metadata["custom_objects"].append({**item, "forgets": [], "arrays": []})
        path.write_text(json.dumps(metadata))

    return format, put


def _graph_config(module: str, name: str) -> tuple[str, Make]:
    """Name a function in what a SavedModel keeps for Keras."""

    def make(at: Ground, folder: Path) -> None:
        path = folder / "assets.extra" / "keras" / "config.json"
        config = json.loads(path.read_text())
        config["config"]["layers"][1] |= _function(module, name)(at)
        path.write_text(json.dumps(config))

    return "savedmodel", make


def _no_zip(at: Ground, folder: Path) -> None:
    (folder / "model.keras").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 100)


def _reference(write: Callable[[Ground, Path], None]) -> tuple[str, Make]:
    return "tflite", lambda at, folder: write(at, folder / "reference.npz")


def _pickled(at: Ground, path: Path) -> None:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}\n"
    array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path, "a") as archive:
        content = array + pickle.dumps(Writes(str(at.marker)))
        archive.writestr("rows/inputs/more.npy", content)


def _compressed(at: Ground, path: Path) -> None:
    with np.load(path) as arrays:
        named = {name: arrays[name] for name in arrays.files}
    np.savez_compressed(path, **{**named, "rows/inputs/zeros": np.zeros(10_000_000)})


def _script(at: Ground, path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("sitecustomize.py", f"open({str(at.marker)!r}, 'w')")


def _extra_file(format: str, name: str, content: str) -> tuple[str, Make]:
    def make(at: Ground, folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    return format, make


def _seeds(at: Ground, folder: Path) -> None:
    (folder / "ckpt.index").write_bytes(b"\0" * 200)


DOWNLOADS = ("keras.applications.imagenet_utils", "decode_predictions")
"""A function of Keras that fetches a file when it is called."""

TARGET = "model:decode_predictions"

CASES: Mapping[str, tuple[str, Make]] = {
    "keras_lambda": layer(_lambda),
    "keras_lambda_of_old": layer(_legacy_lambda),
    "keras_lambda_by_name": layer(_function("os", "system")),
    "keras_function_of_utils": layer(_function("keras.utils", "get_file")),
    "keras_function_of_config": layer(_function("keras.config", "enable_unsafe_deserialization")),
    "keras_class_of_python": layer(_object("subprocess", "Popen", args="touch marker")),
    "keras_class_without_module": layer(_object(None, "Popen")),
    "keras_class_not_of_models": layer(_object("keras.utils", "PyDataset")),
    "keras_class_that_loads": layer(_object("keras.layers", "TFSMLayer", filepath="/tmp/x")),
    "keras_class_by_private_module": layer(_object("keras.src.utils.file_utils", "Archive")),
    "keras_class_without_a_name": layer(lambda at: {"class_name": ["os", "system"]}),
    "keras_vocabulary_is_a_path": layer(_vocabulary),
    "keras_config_twice": _keras(
        lambda at, members: members.update({"config.json": b'{"module": "a", "module": "b"}'})
    ),
    "keras_config_nested": _keras(
        lambda at, members: members.update({"config.json": b"[" * 100_000})
    ),
    "keras_inner_link": _inner(_external_link),
    "keras_inner_bomb": _inner(_bomb),
    "zip_member_twice": _zip(lambda archive: archive.writestr("config.json", "{}")),
    "zip_member_outside": _zip(lambda archive: archive.writestr("../../canary", "x")),
    "zip_member_absolute": _zip(lambda archive: archive.writestr("/etc/cron.d/x", "x")),
    "zip_member_unexpected": _zip(lambda archive: archive.writestr("hooks.py", "x")),
    "zip_bomb": _zip(
        lambda archive: archive.writestr("assets/a/x", b"\0" * 50_000_000, zipfile.ZIP_DEFLATED)
    ),
    "zip_hides_a_script": ("keras", _hidden),
    "zip_is_none": ("keras", _no_zip),
    "hdf5_external_link": _hdf5(_external_link),
    "hdf5_soft_link": _hdf5(_soft_link),
    "hdf5_loop": _hdf5(_loop),
    "hdf5_external_storage": _hdf5(_external_storage),
    "hdf5_virtual": _hdf5(_virtual),
    "hdf5_bomb": _hdf5(_bomb),
    "hdf5_filter": _hdf5(_filtered),
    "hdf5_texts": _hdf5(_references),
    "hdf5_stored_type": _hdf5(_stored_type),
    "h5_loss_is_a_command": ("h5", _loss),
    "h5_loss_is_a_declared_command": _declared(("h5", _loss), "system", "model:system"),
    "keras_function_of_applications": layer(_function(*DOWNLOADS)),
    "keras_function_declared": _declared(layer(_function(*DOWNLOADS)), DOWNLOADS[1], TARGET),
    "savedmodel_function_declared": _declared(_graph_config(*DOWNLOADS), DOWNLOADS[1], TARGET),
    "keras_class_of_python_declared": _declared(
        layer(_object("subprocess", "Popen", args="touch marker")), "Popen", "model:Popen"
    ),
    "zip_hides_between": ("keras", _zip_between("model.keras", b'{"module": "os"}')),
    "zip_hides_at_the_end": ("keras", _at_the_end("model.keras")),
    "npz_hides_between": ("tflite", _zip_between("reference.npz", b"x")),
    "npz_hides_at_the_end": ("tflite", _at_the_end("reference.npz")),
    "hdf5_hides_in_front": ("weights_h5", _in_front),
    "hdf5_hides_at_the_end": ("h5", _at_the_end("model.h5")),
    "checkpoint_hides_at_the_end": ("weights", _at_the_end("ckpt.data-00000-of-00001")),
    "npz_pickled": _reference(_pickled),
    "npz_compressed": _reference(_compressed),
    "npz_with_a_script": _reference(_script),
    "extra_pbtxt": _extra_file("savedmodel", "saved_model.pbtxt", "meta_graphs {}"),
    "extra_module": _extra_file("tflite", "sitecustomize.py", "raise SystemExit"),
    "checkpoint_is_none": ("weights", _seeds),
    **graphs.CASES,
}
