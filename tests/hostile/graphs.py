"""Hostile SavedModels, TFLite and ONNX files, made of the kept ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.hostile.ground import Ground

Make = Callable[[Ground, Path], None]


def _savedmodel(change: Callable[[Ground, Any], None]) -> tuple[str, Make]:
    """Change the parsed protocol buffer."""

    def make(at: Ground, folder: Path) -> None:
        from tensorflow.core.protobuf import saved_model_pb2

        path = folder / "saved_model.pb"
        model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
        change(at, model)
        path.write_bytes(model.SerializeToString())

    return "savedmodel", make


def _node(operation: str, *inputs: str) -> tuple[str, Make]:
    def change(at: Ground, model: Any) -> None:
        model.meta_graphs[0].graph_def.node.add(name="hostile", op=operation, input=inputs)

    return _savedmodel(change)


def _in_function(at: Ground, model: Any) -> None:
    function = model.meta_graphs[0].graph_def.library.function[0]
    function.node_def.add(name="hostile", op="WriteFile")


def _writes_when_asked(at: Ground, model: Any) -> None:
    """Write the marker in every function, those that are served among them."""
    for function in model.meta_graphs[0].graph_def.library.function:
        for name, value in (("name", str(at.marker)), ("text", "x")):
            node = function.node_def.add(name=name, op="Const")
            node.attr["dtype"].type = 7
            node.attr["value"].tensor.dtype = 7
            node.attr["value"].tensor.tensor_shape.SetInParent()
            node.attr["value"].tensor.string_val.append(value.encode())
        inputs = ["name:output:0", "text:output:0"]
        function.node_def.add(name="hostile", op="WriteFile", input=inputs)
        function.control_ret["hostile"] = "hostile"
        function.signature.control_output.append("hostile")


def _saver(model: Any) -> Any:
    """Return the function that restores."""
    graph = model.meta_graphs[0].graph_def
    return next(
        function
        for function in graph.library.function
        if any(node.op == "RestoreV2" for node in function.node_def)
    )


def _restores_another(at: Ground, model: Any) -> None:
    function = _saver(model)
    restore = next(node for node in function.node_def if node.op == "RestoreV2")
    restore.input[0] = "elsewhere:output:0"
    function.node_def.add(name="elsewhere", op="Const")


def _restores_when_served(at: Ground, model: Any) -> None:
    name = _saver(model).signature.name
    node = model.meta_graphs[0].graph_def.node.add(name="hostile", op="StatefulPartitionedCall")
    node.attr["f"].func.name = name


def _asset_outside(at: Ground, model: Any) -> None:
    model.meta_graphs[0].asset_file_def.add(filename="../../../canary")


def _asset_missing(at: Ground, model: Any) -> None:
    model.meta_graphs[0].asset_file_def.add(filename="labels.txt")


def _object(at: Ground, model: Any) -> None:
    node = model.meta_graphs[0].object_graph_def.nodes[0]
    node.user_object.identifier = "_tf_keras_model"


def _two_graphs(at: Ground, model: Any) -> None:
    model.meta_graphs.add().CopyFrom(model.meta_graphs[0])


def _garbage(format: str, name: str) -> tuple[str, Make]:
    return format, lambda at, folder: (folder / name).write_bytes(b"\xff" * 64) and None


def _tflite(change: Callable[[Any], None]) -> tuple[str, Make]:
    def make(at: Ground, folder: Path) -> None:
        import flatbuffers
        from tensorflow.lite.python import schema_py_generated as schema

        path = folder / "model.tflite"
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
        change(model)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))

    return "tflite", make


def _custom(name: bytes) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model.operatorCodes[0].builtinCode = 32
        model.operatorCodes[0].deprecatedBuiltinCode = 32
        model.operatorCodes[0].customCode = name

    return change


def _beyond(model: Any) -> None:
    model.buffers[0].offset, model.buffers[0].size = 1 << 40, 1 << 40


def _onnx(change: Callable[[Ground, Any], None]) -> tuple[str, Make]:
    def make(at: Ground, folder: Path) -> None:
        import onnx

        path = folder / "model.onnx"
        model = onnx.ModelProto.FromString(path.read_bytes())
        change(at, model)
        path.write_bytes(model.SerializeToString())

    return "onnx", make


def _external(at: Ground, model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = 1
    tensor.external_data.add(key="location", value="../../../../../canary")


def _domain(at: Ground, model: Any) -> None:
    model.opset_import.add(domain="com.example", version=1)
    model.graph.node[0].domain = "com.example"


def _local_function(at: Ground, model: Any) -> None:
    model.functions.add(name="Hostile", domain="com.example")


CASES: Mapping[str, tuple[str, Make]] = {
    "savedmodel_writes_a_file": _node("WriteFile"),
    "savedmodel_writes_when_asked": _savedmodel(_writes_when_asked),
    "savedmodel_reads_a_file": _node("ReadFile"),
    "savedmodel_reads_memory_by_name": _node("ImmutableConst"),
    "savedmodel_runs_python": _node("PyFunc"),
    "savedmodel_calls_away": _node("RpcCall"),
    "savedmodel_in_a_function": _savedmodel(_in_function),
    "savedmodel_restores_another": _savedmodel(_restores_another),
    "savedmodel_restores_when_served": _savedmodel(_restores_when_served),
    "savedmodel_asset_outside": _savedmodel(_asset_outside),
    "savedmodel_asset_missing": _savedmodel(_asset_missing),
    "savedmodel_object_of_legacy_keras": _savedmodel(_object),
    "savedmodel_two_graphs": _savedmodel(_two_graphs),
    "savedmodel_is_none": _garbage("savedmodel", "saved_model.pb"),
    "tflite_custom_operator": _tflite(_custom(b"Hostile")),
    "tflite_flex": _tflite(_custom(b"FlexWriteFile")),
    "tflite_buffer_beyond_the_end": _tflite(_beyond),
    "tflite_is_none": _garbage("tflite", "model.tflite"),
    "onnx_external_data": _onnx(_external),
    "onnx_domain": _onnx(_domain),
    "onnx_function": _onnx(_local_function),
    "onnx_is_none": _garbage("onnx", "model.onnx"),
}
