"""The saver of a SavedModel: what TensorFlow traces passes, and any change of it is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorflow.core.protobuf import config_pb2, saved_model_pb2

from artifactbuild.release.fault import Fault
from artifactbuild.worker.inspection import savedmodel
from artifactbuild.worker.inspection.operations import ALLOWED, SAVING
from artifactbuild.worker.inspection.traced import RESTORE, SAVE
from tests.release import kept

Change = Callable[[Any], None]
Inspect = Callable[[Change], list[Fault]]

STRING = 7
PATHS = {
    "traced_save": {
        "StaticRegexFullMatch": (0,),
        "Select": (0, 1, 2),
        "StringJoin": (0, 1),
        "ShardedFilename": (0, 1, 2),
        "SaveV2": (0,),
        "Pack": (0,),
        "MergeV2Checkpoints": (0, 1),
    },
    "traced_restore": {"RestoreV2": (0,), "AssignVariableOp": (0, 1)},
}
"""The operands that decide which file is written or read, and what is changed by it."""


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Give what inspects the kept SavedModel after a change of its graph."""
    folder = tmp_path / "savedmodel"
    shutil.copytree(kept.RECORDS / kept.CURRENT / "published" / "savedmodel" / "v1", folder)
    path = folder / savedmodel.FILE
    kept_bytes = path.read_bytes()

    def inspected(change: Change) -> list[Fault]:
        model = saved_model_pb2.SavedModel.FromString(kept_bytes)
        change(model.meta_graphs[0])
        path.write_bytes(model.SerializeToString(deterministic=True))
        return list(savedmodel.inspect(folder, frozenset()))

    return inspected


def function(graph: Any, name: str) -> Any:
    return next(f for f in graph.graph_def.library.function if name in f.signature.name)


def constant(nodes: Any, name: str, value: bytes) -> Any:
    node = nodes.add(name=name, op="Const")
    node.attr["dtype"].type = STRING
    node.attr["value"].tensor.dtype = STRING
    node.attr["value"].tensor.tensor_shape.SetInParent()
    node.attr["value"].tensor.string_val.append(value)
    return node


def main(graph: Any, name: str) -> Any:
    return next(node for node in graph.graph_def.node if node.name == name)


def test_what_tensorflow_traced_is_whole(inspect: Inspect) -> None:
    assert inspect(lambda graph: None) == []


def test_operations_that_reach_files_are_held_to_their_operands() -> None:
    assert frozenset(SAVE.paths) | frozenset(RESTORE.paths) == SAVING
    assert not (SAVE.operations | RESTORE.operations) - ALLOWED


def operands() -> Iterator[tuple[str, str, int]]:
    for name, found in PATHS.items():
        for operation, places in found.items():
            for place in places:
                yield name, operation, place


@pytest.mark.parametrize(("name", "operation", "place"), [*operands()])
@pytest.mark.parametrize("by", ["constant", "captured"])
def test_no_operand_can_be_another(
    inspect: Inspect, name: str, operation: str, place: int, by: str
) -> None:
    def change(graph: Any) -> None:
        found = function(graph, name)
        node = next(node for node in found.node_def if node.op == operation)
        captured = found.signature.input_arg[-1].name
        constant(found.node_def, "elsewhere", b"/tmp/elsewhere")
        other = "elsewhere:output:0" if by == "constant" else captured
        node.input[place] = "file_prefix" if node.input[place] == captured else other

    faults = inspect(change)
    if (operation, place, by) == ("AssignVariableOp", 0, "captured"):
        assert faults == [], "one variable for another: both are the model's own"
    else:
        assert {fault.kind for fault in faults} == {"savedmodel-saver"}


@pytest.mark.parametrize("name", PATHS)
def test_no_constant_of_a_path_can_be_another(inspect: Inspect, name: str) -> None:
    """Other constants name tensors in the checkpoint, or choose parts of them."""
    found = function(_kept(), name).node_def
    constants = [node.name for node in found if node.op == "Const"]
    refused = set()
    for each in constants:

        def change(graph: Any, each: str = each) -> None:
            node = next(node for node in function(graph, name).node_def if node.name == each)
            tensor = node.attr["value"].tensor
            if tensor.dtype == STRING:
                tensor.string_val[0] = b"/../../../elsewhere"
            else:
                tensor.int_val[:] = [7]

        if inspect(change):
            refused.add(each)
    expected = {"Const", "Const_1", "num_shards", "ShardedFilename/shard"}
    assert refused == (expected if name == "traced_save" else set())


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("key", ["separator", "delete_old_dirs", "axis", "pattern", "exotic"])
def test_no_operation_can_be_set_otherwise(inspect: Inspect, name: str, key: str) -> None:
    operations = {*PATHS[name], *SAVE.paths, *RESTORE.paths}
    here = {node.op for node in function(_kept(), name).node_def}
    for operation in sorted(operations & here):

        def change(graph: Any, operation: str = operation) -> None:
            node = next(n for n in function(graph, name).node_def if n.op == operation)
            node.attr[key].s = b"x"

        assert inspect(change), f"{key} of {operation}"


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("op", ["WriteFile", "SaveV2", "RestoreV2", "Print", "While", "AsString"])
def test_no_operation_can_be_added(inspect: Inspect, name: str, op: str) -> None:
    faults = inspect(lambda graph: function(graph, name).node_def.add(name="more", op=op) and None)
    assert "savedmodel-saver" in {fault.kind for fault in faults}


def _kept() -> Any:
    path = kept.RECORDS / kept.CURRENT / "published" / "savedmodel" / "v1" / savedmodel.FILE
    return saved_model_pb2.SavedModel.FromString(path.read_bytes()).meta_graphs[0]


class TestWhoCalls:
    """The saver alone names the two functions, and it alone uses what the loader gives it."""

    @pytest.fixture(params=sorted(PATHS))
    def name(self, request: pytest.FixtureRequest) -> str:
        return str(function(_kept(), request.param).signature.name)

    def refused(self, inspect: Inspect, change: Change) -> list[str]:
        faults = inspect(change)
        assert {fault.kind for fault in faults} >= {"savedmodel-saver"}
        return [fault.message for fault in faults]

    def test_object(self, inspect: Inspect, name: str) -> None:
        def change(graph: Any) -> None:
            node = graph.object_graph_def.nodes.add()
            node.function.concrete_functions.append(name)
            graph.object_graph_def.concrete_functions[name].SetInParent()

        (message,) = self.refused(inspect, change)
        assert message == (
            "is not the function that TensorFlow saves or restores by: it is named elsewhere, too "
            "(2×), where others can call it"
        )

    def test_captured_tensor(self, inspect: Inspect, name: str) -> None:
        def change(graph: Any) -> None:
            graph.object_graph_def.nodes.add().captured_tensor.concrete_function = name

        self.refused(inspect, change)

    def test_branch(self, inspect: Inspect, name: str) -> None:
        def change(graph: Any) -> None:
            node = function(graph, "serve").node_def.add(name="branch", op="Case")
            node.attr["branches"].list.func.add(name=name)

        self.refused(inspect, change)

    def test_function_of_a_function(self, inspect: Inspect, name: str) -> None:
        def change(graph: Any) -> None:
            node = function(graph, "serve").node_def.add(name="call", op="PartitionedCall")
            node.attr["f"].func.attr["g"].func.name = name

        self.refused(inspect, change)

    def test_text(self, inspect: Inspect, name: str) -> None:
        def change(graph: Any) -> None:
            attributes = function(graph, "serve").attr
            attributes["forward_function_name"].s = name.encode()

        self.refused(inspect, change)

    def test_operation(self, inspect: Inspect, name: str) -> None:
        def change(graph: Any) -> None:
            function(graph, "serve").node_def.add(name="call", op=name)

        self.refused(inspect, change)

    def test_gradient(self, inspect: Inspect, name: str) -> None:
        def change(graph: Any) -> None:
            gradients = graph.graph_def.library.registered_gradients
            gradients.add(registered_op_type="CustomGradient-0", gradient_func=name)

        self.refused(inspect, change)

    def test_second_saver_node(self, inspect: Inspect, name: str) -> None:
        def change(graph: Any) -> None:
            node = graph.graph_def.node.add(name="again", op="StatefulPartitionedCall")
            node.attr["f"].func.name = name

        self.refused(inspect, change)


class TestSaver:
    """The nodes by which a loader saves and restores, and the path that it gives them."""

    def said(self, inspect: Inspect, change: Change) -> list[str]:
        return [f"{fault.at}: {fault.message}" for fault in inspect(change)]

    def test_path_is_a_constant(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            graph.graph_def.node.remove(main(graph, "saver_filename"))
            constant(graph.graph_def.node, "saver_filename", b"/tmp/elsewhere")

        said = ["saver_def: takes its path from 'saver_filename', expected a placeholder"]
        assert self.said(inspect, change) == said

    def test_path_is_another(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            constant(graph.graph_def.node, "elsewhere", b"/tmp/elsewhere")
            main(graph, "StatefulPartitionedCall_1").input[0] = "elsewhere"

        said = "StatefulPartitionedCall_1: is not given the path that the saver is given, "
        assert self.said(inspect, change) == [f"{said}'saver_filename'"]

    def test_ends_are_exchanged(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            graph.saver_def.save_tensor_name = "StatefulPartitionedCall_2:0"
            graph.saver_def.restore_op_name = "StatefulPartitionedCall_1"

        assert [fault.kind for fault in inspect(change)] == ["savedmodel-saver"] * 2

    def test_both_are_one(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            graph.saver_def.restore_op_name = "StatefulPartitionedCall_1"

        said = self.said(inspect, change)
        assert "saver_def: saves and restores by the same node" in said

    def test_is_no_call(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            graph.saver_def.restore_op_name = "NoOp"

        assert "saver_def: restores by 'NoOp', expected a call of a function" in self.said(
            inspect, change
        )

    def test_first_operation_of_all_runs_it(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            main(graph, "NoOp").input.append("^StatefulPartitionedCall_1")

        assert self.said(inspect, change) == ["NoOp: uses what the saver runs"]

    def test_somebody_asks_for_its_result(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            node = graph.graph_def.node.add(name="more", op="Identity")
            node.input.append("StatefulPartitionedCall_1:0")

        assert self.said(inspect, change) == ["more: uses what the saver runs"]

    def test_signature_saves(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            signature = graph.signature_def["save"]
            signature.inputs["path"].name = "saver_filename:0"
            signature.outputs["path"].name = "StatefulPartitionedCall_1:0"

        assert self.said(inspect, change) == [
            "signature_def[save]: uses the path that the saver is given",
            "signature_def[save]: uses what the saver runs",
        ]

    def test_collection_saves(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            values = graph.collection_def["saved_model_main_op"].node_list.value
            values[:] = ["StatefulPartitionedCall_1"]

        assert self.said(inspect, change) == [
            "collection_def[saved_model_main_op]: uses what the saver runs"
        ]

    def test_asset_is_its_path(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            graph.asset_file_def.add(filename="x").tensor_info.name = "saver_filename:0"

        assert "asset_file_def: uses the path that the saver is given" in self.said(inspect, change)

    def test_function_may_be_exchanged_by_name(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            function(graph, "traced_save").attr["api_implements"].s = b"lstm"

        assert [fault.kind for fault in inspect(change)] == [
            "savedmodel-saver",
            "savedmodel-function",
        ]


class TestBeside:
    """What loaders run, swap or read that is no operation."""

    def kinds(self, inspect: Inspect, change: Change) -> list[str]:
        return [fault.kind for fault in inspect(change)]

    @pytest.mark.parametrize("key", ["legacy_init_op", "table_initializer", "queue_runners"])
    def test_collection(self, inspect: Inspect, key: str) -> None:
        def change(graph: Any) -> None:
            graph.collection_def[key].node_list.value.append("NoOp")

        assert self.kinds(inspect, change) == ["savedmodel-collection"]

    @pytest.mark.parametrize("key", ["executor_type", "config", "_exotic"])
    def test_attribute(self, inspect: Inspect, key: str) -> None:
        def change(graph: Any) -> None:
            function(graph, "serve").node_def[0].attr[key].s = b"x"

        assert self.kinds(inspect, change) == ["savedmodel-attribute"]

    @pytest.mark.parametrize(
        "device", ["/job:worker/task:0", "/job:localhost/device:CPU:0@evil", "grpc://host"]
    )
    def test_device_elsewhere(self, inspect: Inspect, device: str) -> None:
        def change(graph: Any) -> None:
            function(graph, "serve").node_def[0].device = device

        assert self.kinds(inspect, change) == ["savedmodel-attribute"]

    @pytest.mark.parametrize("field", ["variant_val", "resource_handle_val"])
    def test_constant_that_is_an_object(self, inspect: Inspect, field: str) -> None:
        def change(graph: Any) -> None:
            node = constant(function(graph, "serve").node_def, "object", b"x")
            getattr(node.attr["value"].tensor, field).add()

        assert self.kinds(inspect, change) == ["savedmodel-attribute"]

    def test_machine_that_saved(self, inspect: Inspect) -> None:
        """TensorFlow writes counts there; a cluster is more."""
        counts = config_pb2.ConfigProto(device_count={"CPU": 1}, allow_soft_placement=True)
        cluster = config_pb2.ConfigProto(device_count={"CPU": 1})
        cluster.cluster_def.job.add(name="worker").tasks[0] = "example.com:2222"

        def change(graph: Any, config: Any) -> None:
            node = function(graph, "serve").node_def[0]
            node.attr["config_proto"].s = config.SerializeToString()

        assert self.kinds(inspect, lambda graph: change(graph, counts)) == []
        assert self.kinds(inspect, lambda g: change(g, cluster)) == ["savedmodel-attribute"]

    def test_function_with_the_name_of_an_operation(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            graph.graph_def.library.function.add().signature.name = "MatMul"

        assert self.kinds(inspect, change) == ["savedmodel-function"]

    def test_gradient_of_a_function(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            graph.graph_def.library.gradient.add(function_name="a", gradient_func="b")

        assert self.kinds(inspect, change) == ["savedmodel-function"]

    def test_aliases(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            graph.meta_info_def.function_aliases["a"] = "b"

        assert self.kinds(inspect, change) == ["savedmodel-graphs"]

    @pytest.mark.parametrize("name", ["__call__", "__class__"])
    def test_method_of_an_object(self, inspect: Inspect, name: str) -> None:
        def change(graph: Any) -> None:
            graph.object_graph_def.nodes[0].children.add(node_id=5, local_name=name)

        assert self.kinds(inspect, change) == ["savedmodel-object"]

    def test_saver_of_an_object(self, inspect: Inspect) -> None:
        def change(graph: Any) -> None:
            graph.object_graph_def.nodes[0].registered_saver = "package.Saver"

        assert self.kinds(inspect, change) == ["savedmodel-object"]


@pytest.mark.parametrize("file", ["saved_model.pb", "fingerprint.pb"])
@pytest.mark.parametrize(
    ("more", "why"),
    [
        (b"\xfa\x7f\x03abc", "has fields that this reader does not know"),
        (b"\x08\x01", "a field is there twice"),
        (b"\xff\xff", ""),
    ],
)
def test_more_than_the_message(tmp_path: Path, file: str, more: bytes, why: str) -> None:
    folder = tmp_path / "savedmodel"
    shutil.copytree(kept.RECORDS / kept.CURRENT / "published" / "savedmodel" / "v1", folder)
    with (folder / file).open("ab") as target:
        target.write(more)
    (fault,) = savedmodel.inspect(folder, frozenset())
    assert (fault.file, fault.kind) == (file, "hidden" if why else "unreadable")
    assert why in fault.message
