"""HDF5, TFLite, ONNX and checkpoints: nothing outside of the model, and nothing beside it."""

from __future__ import annotations

import shutil
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import flatbuffers
import h5py
import numpy as np
import onnx
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2
from tensorflow.lite.python import schema_py_generated as schema

from artifactbuild.release.fault import Fault
from artifactbuild.worker.inspection import checkpoint, hdf5, operations, tflite
from artifactbuild.worker.inspection import onnx as onnx_file
from tests.release import kept

PUBLISHED = kept.RECORDS / kept.CURRENT / "published"
SUPERBLOCK = struct.Struct("<24s4Q")


def copied(tmp_path: Path, name: str) -> Path:
    return Path(shutil.copy(PUBLISHED / name, tmp_path))


def said(faults: Any) -> list[str]:
    return [f"{fault.at}: {fault.message}".removeprefix(": ") for fault in faults]


class TestHdf5:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return copied(tmp_path, "weights_h5/v1/model.weights.h5")

    def faults(self, path: Path) -> list[str]:
        return said(hdf5.inspect(path, path.name))

    def test_kept_files(self, path: Path) -> None:
        assert self.faults(path) == []
        assert self.faults(PUBLISHED / "h5" / "v1" / "model.h5") == []

    def test_block_of_the_user_in_front(self, path: Path) -> None:
        """The library looks for the superblock at 512, 1024 and so on."""
        path.write_bytes(b"#!/bin/sh\n".ljust(512, b"\n") + path.read_bytes())
        assert self.faults(path)[0] == "does not begin with the superblock"
        with h5py.File(path) as file:
            assert "layers" in file, "it is one, to the library"

    def test_bytes_at_the_end(self, path: Path) -> None:
        size = path.stat().st_size
        with path.open("ab") as file:
            file.write(b"PK\5\6")
        assert self.faults(path) == [f"has {size + 4} bytes, and says that it ends at {size}"]

    @pytest.mark.parametrize("field", range(1, 5))
    def test_superblock_that_leads_elsewhere(self, path: Path, field: int) -> None:
        raw = path.read_bytes()
        fields = [*SUPERBLOCK.unpack_from(raw)]
        fields[field] = 96
        path.write_bytes(SUPERBLOCK.pack(*fields) + raw[SUPERBLOCK.size :])
        assert self.faults(path)

    def test_newer_superblock(self, tmp_path: Path) -> None:
        path = tmp_path / "x.h5"
        with h5py.File(path, "w", libver="latest") as file:
            file["x"] = np.zeros(3)
        assert self.faults(path) == [
            "has another version of the superblock than artifactbuild writes"
        ]

    def test_arrays_that_share_their_bytes(self, tmp_path: Path) -> None:
        path = tmp_path / "x.h5"
        with h5py.File(path, "w") as file:
            for name in ("b", "c"):
                file.create_dataset(name, (4096,), "f8")  # nothing is stored yet
            file["a"] = np.zeros(4096)
            place = file["a"].id.get_offset()
        nowhere, size = struct.pack("<Q", hdf5.NOWHERE), struct.pack("<Q", 4096 * 8)
        raw = path.read_bytes()
        path.write_bytes(raw.replace(nowhere + size, struct.pack("<Q", place) + size))
        with h5py.File(path) as file:
            assert file["b"].id.get_offset() == file["c"].id.get_offset() == place
        assert self.faults(path) == [
            f"claims {3 * 4096 * 8} bytes of values in {len(raw)}: arrays share them"
        ]

    def test_no_plugin_is_looked_for(self, path: Path, tmp_path: Path) -> None:
        h5py.h5pl.append(bytes(tmp_path))
        self.faults(path)
        assert h5py.h5pl.size() == 0


def _table(
    builder: flatbuffers.Builder,
    slots: int,
    places: Mapping[int, int],
    numbers: Mapping[int, int] = MappingProxyType({}),
) -> int:
    """Write a table of a flatbuffer by its slots: places of other objects, and whole numbers."""
    builder.StartObject(slots)
    for slot, place in places.items():
        builder.PrependUOffsetTRelativeSlot(slot, place, 0)
    for slot, number in numbers.items():
        builder.PrependUint32Slot(slot, number, 0)
    return int(builder.EndObject())


def _list(builder: flatbuffers.Builder, places: list[int]) -> int:
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return int(builder.EndVector())


def finished(builder: flatbuffers.Builder, path: Path, model: int) -> None:
    builder.Finish(model, b"TFL3")
    path.write_bytes(bytes(builder.Output()))


class TestTflite:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return copied(tmp_path, "tflite/v1/model.tflite")

    def changed(self, path: Path, change: Callable[[Any], Any]) -> list[str]:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
        change(model)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))
        return said(tflite.inspect(path))

    def test_kept_file(self, path: Path) -> None:
        assert said(tflite.inspect(path)) == []
        assert self.changed(path, lambda model: None) == []

    def test_archive_at_the_end(self, path: Path) -> None:
        """Where other tools keep labels; they unpack it."""
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("labels.txt", "x")
        message = "holds an archive at its end, which other programs unpack"
        assert said(tflite.inspect(path)) == [message]

    CHANGES: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "options": lambda m: setattr(m.subgraphs[0].operators[0], "customOptions", [1, 2]),
        "large options": lambda m: setattr(
            m.subgraphs[0].operators[0], "largeCustomOptionsSize", 8
        ),
        "operator": lambda m: setattr(m.subgraphs[0].operators[0], "opcodeIndex", 99),
        "buffer": lambda m: setattr(m.subgraphs[0].tensors[0], "buffer", 99),
        "metadata": lambda m: setattr(m.metadata[0], "buffer", 99),
        "flex": lambda m: setattr(m.operatorCodes[0], "customCode", b"FlexReadFile"),
        "delegate": lambda m: setattr(m.operatorCodes[0], "builtinCode", 51),
        "unknown": lambda m: setattr(m.operatorCodes[0], "builtinCode", 9999),
        "beyond": lambda m: (
            setattr(m.buffers[1], "offset", 900),
            setattr(m.buffers[1], "size", 9000),
        ),
    }

    @pytest.mark.parametrize("name", CHANGES)
    def test_change(self, path: Path, name: str) -> None:
        assert self.changed(path, self.CHANGES[name])

    @pytest.mark.parametrize("slot", [8, 9], ids=["groups", "buffers"])
    def test_other_files(self, tmp_path: Path, slot: int) -> None:
        """Fields that TensorFlow's schema has since 2.21, written as it writes them."""
        path, builder = tmp_path / "model.tflite", flatbuffers.Builder(64)
        empty = _table(builder, 1, {})
        finished(builder, path, _table(builder, 10, {slot: _list(builder, [empty])}))
        message = "names other files that values are kept in"
        assert said(tflite.inspect(path)) == [message]

    def test_tensor_in_another_file(self, tmp_path: Path) -> None:
        path, builder = tmp_path / "model.tflite", flatbuffers.Builder(64)
        buffers = _list(builder, [_table(builder, 1, {})])
        tensors = _list(builder, [_table(builder, 11, {}, {10: 1})])
        graphs = _list(builder, [_table(builder, 5, {0: tensors})])
        finished(builder, path, _table(builder, 10, {2: graphs, 4: buffers}))
        message = "subgraphs[0].tensors[0]: keeps its values in another file"
        assert said(tflite.inspect(path)) == [message]

    def test_no_operator_of_the_interpreter_reaches_files(self) -> None:
        names = [n for n in vars(schema.BuiltinOperator) if not n.startswith("_")]
        reach = [n for n in names if any(w in n for w in ("FILE", "READ", "WRITE", "LOAD", "SAVE"))]
        assert reach == ["READ_VARIABLE"]


class TestOnnx:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return copied(tmp_path, "onnx/v1/model.onnx")

    def changed(self, path: Path, change: Callable[[Any], Any]) -> list[str]:
        model = onnx.ModelProto.FromString(path.read_bytes())
        change(model)
        path.write_bytes(model.SerializeToString())
        return said(onnx_file.inspect(path))

    def test_kept_file(self, path: Path) -> None:
        assert self.changed(path, lambda model: None) == []

    def test_bytes_at_the_end(self, path: Path) -> None:
        with path.open("ab") as file:
            file.write(b"\xfa\x7f\x03abc")
        (message,) = said(onnx_file.inspect(path))
        assert message == (
            "has fields that this reader does not know: other programs may read them"
        )

    def test_settings_of_the_runtime(self, path: Path) -> None:
        def change(model: Any) -> None:
            model.metadata_props.add(key="ort_config", value="{}")

        message = "metadata_props: is there, and artifactbuild writes none"
        assert self.changed(path, change) == [message]

    def test_training(self, path: Path) -> None:
        message = "training_info: is there, and artifactbuild writes none"
        assert self.changed(path, lambda model: model.training_info.add() and None) == [message]

    PLACES: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "initializer": lambda m: m.graph.initializer.add(),
        "attribute": lambda m: m.graph.node[0].attribute.add(name="a").t,
        "attributes": lambda m: m.graph.node[0].attribute.add(name="a").tensors.add(),
        "sparse": lambda m: m.graph.sparse_initializer.add().values,
        "sparse attribute": lambda m: m.graph.node[0].attribute.add(name="a").sparse_tensor.indices,
        "branch": lambda m: m.graph.node[0].attribute.add(name="a").g.initializer.add(),
        "branches": lambda m: (
            m.graph.node[0].attribute.add(name="a").graphs.add().initializer.add()
        ),
        "training": lambda m: m.training_info.add().algorithm.initializer.add(),
        "function": lambda m: m.functions.add(name="f").node.add().attribute.add(name="a").t,
    }

    @pytest.mark.parametrize("name", PLACES)
    def test_values_in_another_file(self, path: Path, name: str) -> None:
        def change(model: Any) -> None:
            tensor = self.PLACES[name](model)
            tensor.external_data.add(key="location", value="../canary")

        assert "a tensor: keeps its values in another file, '../canary'" in self.changed(
            path, change
        )

    @pytest.mark.parametrize("domain", ["com.microsoft", "ai.onnx.contrib", "evil"])
    def test_operator_of_another_domain(self, path: Path, domain: str) -> None:
        def change(model: Any) -> None:
            branch = model.graph.node[0].attribute.add(name="a").g
            branch.node.add(op_type="ReadFile", domain=domain)

        assert self.changed(path, change) == [
            "graph: uses the operator 'ReadFile', which ONNX does not have"
        ]


class TestCheckpoint:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return Path(shutil.copytree(PUBLISHED / "weights" / "v1", tmp_path / "weights"))

    def faults(self, folder: Path) -> list[str]:
        return said(checkpoint.inspect(folder, "ckpt"))

    def written(self, folder: Path, **tensors: Any) -> list[str]:
        names = [*tensors]
        tf.raw_ops.SaveV2(
            prefix=str(folder / "ckpt"),
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=[tf.constant(tensors[name]) for name in names],
        )
        return self.faults(folder)

    def test_kept_files(self, folder: Path) -> None:
        assert self.faults(folder) == []

    def test_bytes_at_the_end(self, folder: Path) -> None:
        path = folder / "ckpt.data-00000-of-00001"
        size = path.stat().st_size
        path.write_bytes(path.read_bytes() + b"#!/bin/sh\n")
        assert self.faults(folder) == [f"has {size + 10} bytes, and its tensors take {size}"]

    def test_flipped_bit(self, folder: Path) -> None:
        path = folder / "ckpt.data-00000-of-00001"
        raw = bytearray(path.read_bytes())
        raw[0] ^= 1
        path.write_bytes(raw)
        (message,) = self.faults(folder)
        assert "cannot be read" in message

    def test_cut_short(self, folder: Path) -> None:
        path = folder / "ckpt.data-00000-of-00001"
        path.write_bytes(path.read_bytes()[:-1])
        assert self.faults(folder)

    def test_numbers_and_texts(self, folder: Path) -> None:
        table = "t/.ATTRIBUTES/table-values"
        assert self.written(folder, **{"x": [1.0, 2.0], table: [b"a\0", b"b" * 200, b""]}) == []
        assert self.written(folder, x=["a"]) == ["x: holds text, expected numbers"]

    def test_saver_that_code_registers(self, folder: Path) -> None:
        graph = trackable_object_graph_pb2.TrackableObjectGraph()
        graph.nodes.add().registered_saver.name = "package.Saver"
        said = self.written(folder, **{checkpoint.GRAPH: graph.SerializeToString()})
        message = "is restored by 'package.Saver', which is not TensorFlow's own"
        assert said == [f"{checkpoint.GRAPH}: {message}"]
        said = self.written(folder, **{checkpoint.GRAPH: b"\xff\xff"})
        assert said == [f"{checkpoint.GRAPH}: is restored by '?', which is not TensorFlow's own"]


def test_faults_are_of_their_file() -> None:
    found = list(tflite.inspect(PUBLISHED / "onnx" / "v1" / "model.onnx"))
    assert found == [Fault(kind="unreadable", file="model.onnx", message="is no TFLite file")]
    assert operations.SAVING.isdisjoint(operations.ALLOWED)
