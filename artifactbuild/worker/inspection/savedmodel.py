"""SavedModel graphs: every operation of every function, held against the list of allowed ones.

`tf.saved_model.load` runs operations while it loads, and no mode of it is safe. So the file is read
as what it is, a protocol buffer, and nothing of it is run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import config_pb2, saved_model_pb2

from artifactbuild.release import tree
from artifactbuild.release.fault import Fault
from artifactbuild.worker.fingerprints import FingerprintDef
from artifactbuild.worker.inspection import saving
from artifactbuild.worker.inspection.fields import hidden
from artifactbuild.worker.inspection.operations import ALLOWED, SAVING

FILE = "saved_model.pb"
FINGERPRINT = "fingerprint.pb"
MAIN = "saved_model_main_op"
"""The one collection that TensorFlow 2 writes: the operation that loaders run first."""

HERE = re.compile(r"(/job:localhost)?(/replica:0)?(/task:0)?(/device:[CG]PU:(\d+|\*))?")
"""Devices of the machine itself."""

SETTINGS = frozenset({"config", "executor_type"})
"""What a call could say of how the runtime is to run it, and TensorFlow writes nowhere."""

MACHINE = "config_proto"
COUNTS = frozenset(
    {
        "allow_soft_placement",
        "device_count",
        "gpu_options",
        "inter_op_parallelism_threads",
        "intra_op_parallelism_threads",
        "pluggable_device_options",
    }
)
"""What TensorFlow writes there, of the machine that saved; the canonical form leaves it out."""

REMARKS = frozenset(
    {
        "_XlaMustCompile",
        "_class",
        "_collective_manager_ids",
        "_gradient_op_type",
        "_has_manual_control_dependencies",
        "_lower_using_switch_merge",
        "_num_original_outputs",
        "_output_shapes",
        "_parallel_iterations",
        "_read_only_resource_inputs",
        "_stateful_parallelism",
    }
)
"""What TensorFlow remarks on an operation that it traced."""

FUNCTION_ATTRIBUTES = saving.ATTRIBUTES | {
    "_XlaMustCompile",
    "_noinline",
    "backward_function_name",
    "forward_function_name",
}
"""What it remarks on a function. `api_implements`, say, would have another one take its place."""

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
    """Find operations, calls, assets and objects that a model that only computes does not have."""
    raw = (folder / FILE).read_bytes()
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString(raw)
    except DecodeError as error:
        yield Fault(kind="unreadable", file=FILE, message=f"is no SavedModel: {error}")
        return
    if message := hidden(model, len(raw)):
        yield _fault("hidden", "", message)
    if len(model.meta_graphs) != 1:
        message = f"holds {len(model.meta_graphs)} graphs, expected 1"
        yield Fault(kind="savedmodel-graphs", file=FILE, message=message)
    allowed = ALLOWED.union(also_allowed)
    for graph in model.meta_graphs:
        yield from _operations(graph, allowed, raw)
        yield from _graph(graph)
        yield from _assets(graph, folder)
        yield from _objects(graph)
    yield from _fingerprint(folder)


def _operations(graph: Any, allowed: Collection[str], raw: bytes) -> Iterator[Fault]:
    """Compare every operation with the list; those that save count only in the saver's own."""
    for at, message in saving.misuses(graph):
        yield _fault("savedmodel-saver", at, message)
    savers = saving.judged(graph, raw)
    for name, why in savers.items():
        if why:
            message = f"is not the function that TensorFlow saves or restores by: {why}"
            yield _fault("savedmodel-saver", name, message)
    for name, nodes in _functions(graph):
        for node in nodes:
            if node.op not in allowed and not (node.op in SAVING and name in savers):
                yield _operation(node, name)
            yield from _attributes(node, name)


def _functions(graph: Any) -> Iterator[tuple[str, Any]]:
    """Yield the nodes of the main graph, under no name, and those of each function."""
    yield "", graph.graph_def.node
    for function in graph.graph_def.library.function:
        yield function.signature.name, function.node_def


def _attributes(node: Any, function: str) -> Iterator[Fault]:
    """Find what says more of an operation than what it computes with, and where it runs."""
    at = f"{function}/{node.name}" if function else node.name
    for key in node.attr:
        if key in SETTINGS or (key.startswith("_") and key not in REMARKS):
            message = f"has the attribute {key!r}, which artifactbuild does not write"
            yield _fault("savedmodel-attribute", at, message)
    if MACHINE in node.attr and not _is_of_machine(node.attr[MACHINE].s):
        message = f"has the attribute {MACHINE!r} with more than counts of devices and threads"
        yield _fault("savedmodel-attribute", at, message)
    if node.op == "Const" and _is_object(node.attr["value"].tensor):
        message = "is a constant that is an object, expected numbers or text"
        yield _fault("savedmodel-attribute", at, message)
    if not HERE.fullmatch(node.device):
        message = f"runs on {node.device!r}, expected a device of the machine that loads it"
        yield _fault("savedmodel-attribute", at, message)


def _is_object(tensor: Any) -> bool:
    """Tell whether a tensor is a handle, or a variant: TensorFlow decodes these as it loads."""
    kinds = (types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT)
    return tensor.dtype in kinds or bool(tensor.resource_handle_val or tensor.variant_val)


def _is_of_machine(raw: bytes) -> bool:
    config = config_pb2.ConfigProto()
    try:
        config.ParseFromString(raw)
    except DecodeError:
        return False
    fields = {field.name for field, _ in config.ListFields()}
    return fields <= COUNTS | {"experimental"} and not config.experimental.ListFields()


def _graph(graph: Any) -> Iterator[Fault]:
    """Find what loaders run, swap or read beside the operations, and artifactbuild never writes."""
    library, info = graph.graph_def.library, graph.meta_info_def
    for function in library.function:
        name = function.signature.name
        if name in ALLOWED or name in SAVING:
            yield _fault("savedmodel-function", name, "is a function with the name of an operation")
        for key in sorted(set(function.attr) - FUNCTION_ATTRIBUTES):
            message = f"has the attribute {key!r}, which artifactbuild does not write"
            yield _fault("savedmodel-function", name, message)
    for key, collection in sorted(graph.collection_def.items()):
        if key != MAIN or len(collection.node_list.value) != 1:
            message = f"is the collection {key!r}, which artifactbuild does not write"
            yield _fault("savedmodel-collection", "collection_def", message)
    if library.gradient:
        message = "replaces the gradient of a function, which artifactbuild never does"
        yield _fault("savedmodel-function", library.gradient[0].function_name, message)
    if info.HasField("any_info") or info.function_aliases:
        message = "holds more than TensorFlow writes there"
        yield _fault("savedmodel-graphs", "meta_info_def", message)


def _fingerprint(folder: Path) -> Iterator[Fault]:
    """Find what is no fingerprint; TensorFlow reads it when it loads the model."""
    path = folder / FINGERPRINT
    if not path.is_file():
        return
    raw, fingerprint = path.read_bytes(), FingerprintDef()
    try:
        fingerprint.ParseFromString(raw)
    except DecodeError as error:
        yield Fault(kind="unreadable", file=FINGERPRINT, message=f"is no fingerprint: {error}")
        return
    if message := hidden(fingerprint, len(raw)):
        yield Fault(kind="hidden", file=FINGERPRINT, message=message)


def _operation(node: Any, function: str) -> Fault:
    at = f"{function}/{node.name}" if function else node.name
    message = f"is the operation {node.op}, which is not in the list of allowed ones"
    hint = f"a model that needs it is let through by `--allow-op {node.op}`"
    if node.op in SAVING:
        hint = "only the functions that TensorFlow saves and restores by hold it"
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
        for child in (*node.children, *node.dependencies):
            if child.local_name.startswith("__"):
                message = f"sets {child.local_name!r} of an object that TensorFlow makes"
                yield _fault("savedmodel-object", f"object_graph_def.nodes[{index}]", message)


def _fault(kind: str, at: str, message: str) -> Fault:
    return Fault(kind=kind, file=FILE, at=at, message=message)
