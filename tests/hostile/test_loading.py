"""SavedModels that act when they are loaded: refused unread, and real where nobody looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from artifactbuild.worker.inspection import savedmodel
from tests.hostile import graphs
from tests.hostile.ground import Ground, prepared
from tests.release import kept

SAVER = "StatefulPartitionedCall_1"


@pytest.fixture
def at(project: Path, tmp_path: Path) -> Ground:
    kept.lay_out(project)
    return prepared(project, tmp_path)


def written(at: Ground) -> list[str]:
    return sorted(path.name for path in at.marker.parent.glob("marker*"))


class _Resource(tf.saved_model.experimental.TrackableResource):
    """A resource that saves a text when it is initialized, as it is when it is loaded."""

    def __init__(self, marker: Path) -> None:
        super().__init__()
        self.marker = str(marker)

    def _create_resource(self) -> Any:
        return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[2], shared_name="hostile")

    def _initialize(self) -> None:
        text = tf.constant("#!/bin/sh\necho hostile\n")
        tf.raw_ops.SaveV2(
            prefix=self.marker, tensor_names=["x"], shape_and_slices=[""], tensors=[text]
        )


def traced(at: Ground) -> Path:
    """Save a model with such a resource as TensorFlow does, its initializer called by the saver."""
    root = tf.Module()
    root.resource = _Resource(at.marker)
    root.variable = tf.Variable(1.0)
    folder = at.marker.parent / "traced"
    tf.saved_model.save(root, str(folder))
    path = folder / savedmodel.FILE
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    graph = model.meta_graphs[0]
    functions = graph.graph_def.library.function
    function = next(f for f in functions if "initializer" in f.signature.name)
    saver = graph.saver_def.save_tensor_name.split(":")[0]
    node = next(node for node in graph.graph_def.node if node.name == saver)
    old, node.attr["f"].func.name = node.attr["f"].func.name, function.signature.name
    functions.remove(next(f for f in functions if f.signature.name == old))
    function.control_ret["SaveV2"] = "SaveV2"
    function.signature.control_output.append("SaveV2")
    for each in list(graph.graph_def.node):  # nobody else calls either of them
        if each.name != saver and each.attr["f"].func.name == function.signature.name:
            each.Clear()
            each.name, each.op = "nothing", "NoOp"
    path.write_bytes(model.SerializeToString())
    return folder


def test_initializer_writes_where_nobody_looks(at: Ground) -> None:
    folder = traced(at)
    faults = list(savedmodel.inspect(folder, frozenset()))
    assert {fault.kind for fault in faults} == {"savedmodel-saver"}
    assert written(at) == []
    tf.saved_model.load(str(folder))
    assert written(at) == ["marker.data-00000-of-00001", "marker.index"]


def test_first_operation_writes_where_nobody_looks(at: Ground) -> None:
    format, make = graphs.CASES["savedmodel_saves_when_loaded"]
    folder = at.artifact(format)
    make(at, folder)
    kinds = [fault.kind for fault in savedmodel.inspect(folder, frozenset())]
    assert kinds == ["savedmodel-saver", "savedmodel-saver"]
    assert written(at) == []
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
    assert written(at) == ["marker.data-00000-of-00001", "marker.index"]


def test_client_writes_where_nobody_looks(at: Ground) -> None:
    """By a signature whose input is the path that the saver is given."""
    format, make = graphs.CASES["savedmodel_saves_when_served"]
    folder = at.artifact(format)
    make(at, folder)
    assert len(list(savedmodel.inspect(folder, frozenset()))) == 2
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        signature = graph.signature_def["export"]
        path, saved = signature.inputs["path"].name, signature.outputs["path"].name
        session.run(saved, {path: str(at.marker)})
    assert written(at) == ["marker.data-00000-of-00001", "marker.index"]
