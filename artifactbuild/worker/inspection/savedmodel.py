"""SavedModel graphs: every operation of every function, held against the list of allowed ones.

`tf.saved_model.load` runs operations while it loads, and no mode of it is safe. So the file is read
as what it is, a protocol buffer, and nothing of it is run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from artifactbuild.release import tree
from artifactbuild.release.fault import Fault
from artifactbuild.worker.inspection.operations import ALLOWED, SAVING

FILE = "saved_model.pb"
RESTORE = "RestoreV2"

IDENTIFIERS = frozenset(
    {
        "",
        "_generic_user_object",
        "tf.StaticHashTable",
        "tf.TrackableConstant",
        "signature_map",
        "trackable_dict_wrapper",
        "trackable_list_wrapper",
        "trackable_tuple_wrapper",
    }
)
"""Kinds of objects that TensorFlow makes of what a file says, without anybody's code."""


def inspect(folder: Path, also_allowed: Collection[str]) -> Iterator[Fault]:
    """Find operations, assets and objects that are not those of a model that only computes."""
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString((folder / FILE).read_bytes())
    except DecodeError as error:
        yield Fault(kind="unreadable", file=FILE, message=f"is no SavedModel: {error}")
        return
    if len(model.meta_graphs) != 1:
        message = f"holds {len(model.meta_graphs)} graphs, expected 1"
        yield Fault(kind="savedmodel-graphs", file=FILE, message=message)
    allowed = ALLOWED.union(also_allowed)
    for graph in model.meta_graphs:
        yield from _operations(graph, allowed)
        yield from _assets(graph, folder)
        yield from _objects(graph)


def _operations(graph: Any, allowed: Collection[str]) -> Iterator[Fault]:
    saving = _saving(graph)
    for node in graph.graph_def.node:
        if node.op not in allowed:
            yield _operation(node, "")
    for function in graph.graph_def.library.function:
        name = function.signature.name
        arguments = {argument.name for argument in function.signature.input_arg}
        for node in function.node_def:
            if node.op in allowed:
                continue
            if name not in saving or node.op not in SAVING:
                yield _operation(node, name)
            elif node.op == RESTORE and node.input[0] not in arguments:
                message = "restores from a path of its own, not from the one that it is given"
                yield _fault("operation", f"{name}/{node.name}", message)


def _saving(graph: Any) -> frozenset[str]:
    """Return the functions that save and restore, if the saver alone calls them."""
    saver = graph.saver_def
    tensors = (saver.save_tensor_name, saver.restore_op_name)
    ends = {name.split(":")[0].removeprefix("^") for name in tensors if name}
    called = {
        node.attr["f"].func.name
        for node in graph.graph_def.node
        if node.name in ends and node.op in ("PartitionedCall", "StatefulPartitionedCall")
    }
    elsewhere = {
        value.func.name
        for nodes in (graph.graph_def.node, *(f.node_def for f in graph.graph_def.library.function))
        for node in nodes
        if node.name not in ends or nodes is not graph.graph_def.node
        for attribute in node.attr.values()
        for value in (attribute, *_listed(attribute))
    }
    return frozenset(called - elsewhere)


def _listed(attribute: Any) -> Iterator[Any]:
    """Yield the functions of a list, each as an attribute's value."""
    for function in attribute.list.func:
        yield type(attribute)(func=function)


def _operation(node: Any, function: str) -> Fault:
    at = f"{function}/{node.name}" if function else node.name
    message = f"is the operation {node.op}, which is not in the list of allowed ones"
    hint = f"a model that needs it is let through by `--allow-op {node.op}`"
    return Fault(kind="operation", file=FILE, at=at, message=message, hint=hint)


def _assets(graph: Any, folder: Path) -> Iterator[Fault]:
    for asset in graph.asset_file_def:
        if tree.bad_name(asset.filename):
            message = f"names the asset {asset.filename!r}, which leads out of assets/"
            yield _fault("asset", "asset_file_def", message)
        elif not (folder / "assets" / asset.filename).is_file():
            message = f"names the asset {asset.filename!r}, which is not in assets/"
            yield _fault("asset", "asset_file_def", message)


def _objects(graph: Any) -> Iterator[Fault]:
    for index, node in enumerate(graph.object_graph_def.nodes):
        identifier = node.user_object.identifier if node.HasField("user_object") else ""
        for name in (identifier, node.registered_name, node.registered_saver):
            if name not in IDENTIFIERS:
                message = f"is restored by {name!r}, which is not TensorFlow's own"
                yield _fault("savedmodel-object", f"object_graph_def.nodes[{index}]", message)


def _fault(kind: str, at: str, message: str) -> Fault:
    return Fault(kind=kind, file=FILE, at=at, message=message)
