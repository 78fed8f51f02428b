"""Hostile SavedModels, TFLite and ONNX files, made of the kept ones."""

from __future__ import annotations

import zipfile
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
    """Write the marker in every function that is served."""
    for function in model.meta_graphs[0].graph_def.library.function:
        if "traced" in function.signature.name:  # what saves and restores is compared as a whole
            continue
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


def _writer(model: Any, path: bytes) -> Any:
    """Add a function that saves to a path of its own."""
    function = model.meta_graphs[0].graph_def.library.function.add()
    function.signature.name = "__inference__initializer_9"
    for name, value in (("path", path), ("names", b"x"), ("slices", b""), ("text", b"echo")):
        node = function.node_def.add(name=name, op="Const")
        node.attr["dtype"].type = 7
        tensor = node.attr["value"].tensor
        tensor.dtype = 7
        tensor.tensor_shape.SetInParent()
        tensor.string_val.append(value)
        if name in ("names", "slices"):
            tensor.tensor_shape.dim.add(size=1)
    save = function.node_def.add(name="save", op="SaveV2")
    save.input.extend(f"{name}:output:0" for name in ("path", "names", "slices", "text"))
    save.attr["dtypes"].list.type.append(7)
    return function


def _saver_as_initializer(at: Ground, model: Any) -> None:
    """Let the saver call what an object of the graph runs when it is loaded."""
    graph = model.meta_graphs[0]
    name = _writer(model, str(at.marker).encode()).signature.name
    node = next(n for n in graph.graph_def.node if n.name == "StatefulPartitionedCall_1")
    functions = graph.graph_def.library.function
    functions.remove(next(f for f in functions if f.signature.name == node.attr["f"].func.name))
    node.attr["f"].func.name = name
    graph.object_graph_def.nodes.add().function.concrete_functions.append(name)
    graph.object_graph_def.concrete_functions[name].SetInParent()


def _saves_when_loaded(at: Ground, model: Any) -> None:
    """Save by the first operation that a loader of graphs runs, to a path of the graph's own."""
    nodes = {node.name: node for node in model.meta_graphs[0].graph_def.node}
    nodes["NoOp"].input.append("^StatefulPartitionedCall_1")
    path = nodes["saver_filename"]
    path.Clear()
    path.name, path.op = "saver_filename", "Const"
    path.attr["dtype"].type = 7
    path.attr["value"].tensor.dtype = 7
    path.attr["value"].tensor.tensor_shape.SetInParent()
    path.attr["value"].tensor.string_val.append(str(at.marker).encode())


def _saves_when_served(at: Ground, model: Any) -> None:
    """Let a client of the served model name the path."""
    signature = model.meta_graphs[0].signature_def["export"]
    signature.method_name = "tensorflow/serving/predict"
    signature.inputs["path"].name = "saver_filename:0"
    signature.outputs["path"].name = "StatefulPartitionedCall_1:0"


def _saves_elsewhere(at: Ground, model: Any) -> None:
    """Leave the folder of the path that the saver is given."""
    function = _saves(model)
    suffix = next(node for node in function.node_def if node.name == "Const_1")
    suffix.attr["value"].tensor.string_val[0] = b"/../../../marker"


def _saves(model: Any) -> Any:
    """Return the function that saves."""
    library = model.meta_graphs[0].graph_def.library
    return next(f for f in library.function if any(n.op == "SaveV2" for n in f.node_def))


def _restores_by_gradient(at: Ground, model: Any) -> None:
    gradients = model.meta_graphs[0].graph_def.library.registered_gradients
    name = _saver(model).signature.name
    gradients.add(registered_op_type="CustomGradient-0", gradient_func=name)


def _exchanged(at: Ground, model: Any) -> None:
    """Have one function take the place of another when the graph is optimized."""
    for function in model.meta_graphs[0].graph_def.library.function[:2]:
        function.attr["api_implements"].s = b"dense"


def _hides_fields(at: Ground, folder: Path) -> None:
    with (folder / "saved_model.pb").open("ab") as file:
        file.write(b"\xfa\x7f\x03abc")


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


def _settings(at: Ground, model: Any) -> None:
    """Set the session of ONNX Runtime from within the model."""
    model.metadata_props.add(key="ort_config", value="{}")


def _labels(at: Ground, folder: Path) -> None:
    """Append an archive, which other tools unpack."""
    with zipfile.ZipFile(folder / "model.tflite", "a") as archive:
        archive.writestr("labels.txt", "x")


def _local_function(at: Ground, model: Any) -> None:
    model.functions.add(name="Hostile", domain="com.example")


CASES: Mapping[str, tuple[str, Make]] = {
    "onnx_sets_the_runtime": _onnx(_settings),
    "tflite_carries_an_archive": ("tflite", _labels),
    "savedmodel_writes_a_file": _node("WriteFile"),
    "savedmodel_writes_when_asked": _savedmodel(_writes_when_asked),
    "savedmodel_reads_a_file": _node("ReadFile"),
    "savedmodel_reads_memory_by_name": _node("ImmutableConst"),
    "savedmodel_runs_python": _node("PyFunc"),
    "savedmodel_calls_away": _node("RpcCall"),
    "savedmodel_in_a_function": _savedmodel(_in_function),
    "savedmodel_restores_another": _savedmodel(_restores_another),
    "savedmodel_saver_as_initializer": _savedmodel(_saver_as_initializer),
    "savedmodel_saves_when_loaded": _savedmodel(_saves_when_loaded),
    "savedmodel_saves_when_served": _savedmodel(_saves_when_served),
    "savedmodel_saves_elsewhere": _savedmodel(_saves_elsewhere),
    "savedmodel_restores_by_gradient": _savedmodel(_restores_by_gradient),
    "savedmodel_exchanges_functions": _savedmodel(_exchanged),
    "savedmodel_hides_fields": ("savedmodel", _hides_fields),
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
