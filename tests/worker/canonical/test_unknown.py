"""What no step knows is refused by name; nothing is guessed."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tensorflow.core.protobuf import saved_model_pb2

from artifactbuild.manifest.leaving import NONE_LEFT
from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.worker.canonical import Unknown, archive, savedmodel
from tests.worker.canonical.conftest import Twice
from tests.worker.formats import projects
from tests.worker.formats.projects import case

Build = Callable[[Path], Outcome]
Change = Callable[[Any], None]


def graph(message: Any) -> Any:
    return message.meta_graphs[0].graph_def


def first(message: Any, op: str) -> Any:
    functions = graph(message).library.function
    return next(node for each in functions for node in each.node_def if node.op == op)


def second_graph(message: Any) -> None:
    message.meta_graphs.add()


def debug_information(message: Any) -> None:
    graph(message).debug_info.files.append("/somewhere/model.py")


def old_gradient(message: Any) -> None:
    graph(message).library.gradient.add(function_name="f", gradient_func="g")


def uncalled(message: Any) -> None:
    graph(message).library.function.add().signature.name = "__inference_spare_7"


def not_counted(message: Any) -> None:
    graph(message).node.add(name="call", op="plain")
    graph(message).library.function.add().signature.name = "plain"


def absent(message: Any) -> None:
    nodes = message.meta_graphs[0].object_graph_def.nodes
    nodes.add().bare_concrete_function.concrete_function_name = "__inference_gone_9"


def named_in_a_text(message: Any) -> None:
    name = graph(message).library.function[0].signature.name
    first(message, "Identity").attr["_calls"].s = name.encode()


def unlisted_gradient(message: Any) -> None:
    library = graph(message).library
    library.registered_gradients.add(
        registered_op_type="CustomGradient-5",
        gradient_func=library.function[0].signature.name,
    )


def odd_gradient(message: Any) -> None:
    first(message, "Identity").attr["_gradient_op_type"].s = b"Flat"


def resource_ids(message: Any) -> None:
    graph(message).library.function[0].resource_arg_unique_id[0] = 4711


def python_code(message: Any) -> None:
    first(message, "Identity").op = "EagerPyFunc"


def container(message: Any) -> None:
    graph(message).node[0].attr["container"].s = b"mine"


def other_resource(message: Any) -> None:
    graph(message).node[0].attr["shared_name"].s = b"queue_17"
    graph(message).node[0].op = "FIFOQueueV2"


UNKNOWN: dict[Change, str] = {
    second_graph: "2 graphs, expected one",
    debug_information: "debug information of the graph, which has paths of this machine",
    old_gradient: "a gradient of the function 'f'",
    uncalled: "the function '__inference_spare_7', which nothing calls",
    not_counted: "the function 'plain', whose name has no number at its end",
    absent: "the function '__inference_gone_9', which the library does not hold",
    named_in_a_text: "the attribute '_calls' of Identity, which names a function",
    unlisted_gradient: "the gradient 'CustomGradient-5', which no operation has",
    odd_gradient: "the gradient 'Flat', whose name has no number at its end",
    resource_ids: "ids of the resources that the function {first!r} takes",
    python_code: "the operation {identity!r} (EagerPyFunc), which calls Python code",
    container: "the container 'mine' of {op}",
    other_resource: "the shared name 'queue_17' of FIFOQueueV2",
}


@pytest.mark.parametrize("change", UNKNOWN)
def test_structure_of_a_savedmodel_is_refused(change: Change, twice: Twice, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(twice.late / "tables" / "raw" / "savedmodel", folder)
    path = folder / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    expected = UNKNOWN[change].format(
        first=graph(message).library.function[0].signature.name,
        identity=first(message, "Identity").name,
        op=graph(message).node[0].op,
    )
    change(message)
    path.write_bytes(message.SerializeToString())
    with pytest.raises(Unknown) as unknown:
        savedmodel.rewrite(folder)
    assert str(unknown.value) == expected


def test_member_of_an_archive_is_refused(twice: Twice, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    shutil.copyfile(twice.late / "shared" / "raw" / "model.keras", path)
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr("thumbs.db", b"")
    with pytest.raises(Unknown) as unknown:
        archive.rewrite(path)
    assert str(unknown.value) == "the member 'thumbs.db'"


CALLS_PYTHON = """
@keras.saving.register_keras_serializable()
class Calls(layers.Layer):
    def call(self, x):
        import tensorflow as tf
        return tf.ensure_shape(tf.py_function(lambda y: y * 2, [x], tf.float32), (None, 4))

def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, Calls()(inputs))
"""


def test_what_is_refused_is_located_in_the_manifest(project: Path, build: Build) -> None:
    rest = "custom_objects: [model:Calls]\n" + case("{normal: true, shape: [8, 4]}")
    manifest = projects.project(project, CALLS_PYTHON, "[savedmodel]", rest)
    with pytest.raises(Refusal) as refused:
        build(manifest)
    (problem,) = refused.value.problems
    assert problem.line == 5
    assert problem.message == (
        "savedmodel has the operation 'functional_1/calls_1/EagerPyFunc' (EagerPyFunc), which "
        "calls Python code, of which no two builds are known to be the same bytes"
    )
    assert problem.hint == NONE_LEFT
