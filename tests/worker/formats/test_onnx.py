"""ONNX: proven in ONNX Runtime, by name, the same bytes every time, or refused in one line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import artifactbuild
from artifactbuild.manifest.load import load
from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.release import record
from artifactbuild.worker.canonical import opgraph
from artifactbuild.worker.formats import onnx as onnx_format
from tests.worker.formats import projects
from tests.worker.formats.projects import case, chain, published

Build = Callable[[Path], Outcome]
ROWS = case("{normal: true, shape: [8, 4]}")
DENSE = chain("(4,)", "layers.Dense(3)")


def test_names_and_batch_sizes_are_the_manifests(project: Path, build: Build) -> None:
    manifest = projects.project(project, projects.TWO_INPUTS, "[onnx]", projects.TWO_CASES)
    build(manifest)
    folder = published(manifest, "onnx")
    model = onnx.load(folder / "model.onnx")
    assert [each.name for each in model.graph.input] == ["a", "b"]
    assert sorted(each.name for each in model.graph.output) == ["y", "z"]
    made = record.read(folder)
    assert [(c.loader, c.against, c.compare) for c in made.checks if c.loader != "model"] == [
        (loader, against, "allclose")
        for loader in ("onnxruntime", "artifactbuild")
        for against in ("graph", "eager")
    ]
    predict = artifactbuild.load(folder)
    for name in ("rows", "one"):
        inputs, eager, _ = projects.reference(manifest, "onnx", name)
        found = predict(inputs)
        assert set(found) == {"y", "z"}
        for output, values in eager.items():
            assert found[output] == pytest.approx(values, abs=1e-5)


NAMES = """
def make_model():
    first, second = keras.Input((2,), name="first"), keras.Input((2,), name="second")
    x = layers.Subtract()([first, second])
    return keras.Model([first, second], layers.Dense(2)(x))
"""


def test_names_that_tensorflow_takes_for_the_same_are_kept(project: Path, build: Build) -> None:
    """Its graphs know no difference between x and X; ONNX does."""
    signature = (
        "input_signature:\n  - {name: x, shape: [null, 2], dtype: float32}\n"
        "  - {name: X, shape: [null, 2], dtype: float32}\n"
    )
    rest = (
        "reference_inputs:\n  - {name: rows, x: {normal: true, shape: [8, 2]}, "
        "X: {normal: true, shape: [8, 2], seed: 1}}\n"
    )
    manifest = projects.project(project, NAMES, "[onnx]", signature + rest)
    build(manifest)
    model = onnx.load(published(manifest, "onnx") / "model.onnx")
    assert sorted(each.name for each in model.graph.input) == ["X", "x"]


NORMALIZED = chain(
    "(4,)",
    "scale",
    "layers.Dense(8, activation='gelu')",
    "layers.Reshape((2, 2, 2))",
    "layers.DepthwiseConv2D(7, padding='same', activation='gelu')",
    before="    scale = layers.Normalization()\n"
    "    scale.adapt(np.random.default_rng(0).normal(3, 2, (50, 4)))\n",
)


def test_captured_constants_and_gelu_are_held(project: Path, build: Build) -> None:
    """A Normalization's mean is no input of the model, and Erfc is written with Erf."""
    manifest = projects.project(project, NORMALIZED, "[onnx]", ROWS)
    build(manifest)
    model = onnx.load(published(manifest, "onnx") / "model.onnx")
    assert [each.name for each in model.graph.input] == ["x"]
    assert {"Erf", "Sub"} <= {node.op_type for node in model.graph.node}


@pytest.mark.parametrize("opset", [13, 18])
def test_opset_is_what_was_asked_for(opset: int, project: Path, build: Build) -> None:
    source = chain("(None, 3)", "layers.LSTM(4)", "layers.Dense(2)")
    rest = "input_signature: [{name: x, shape: [null, null, 3], dtype: float32}]\n"
    rest += case("{normal: true, shape: [4, 7, 3]}")
    manifest = projects.project(project, source, f"{{onnx: {{opset: {opset}}}}}", rest)
    build(manifest)
    model = onnx.load(published(manifest, "onnx") / "model.onnx")
    assert {each.domain: each.version for each in model.opset_import}[""] == opset


def test_opset_that_the_converter_lacks_is_refused_early(project: Path) -> None:
    manifest = projects.project(project, DENSE, "{onnx: {opset: 19}}", ROWS)
    with pytest.raises(Refusal) as refused:
        load(manifest)
    assert projects.said(refused.value) == ["opset is 19, expected at most 18"]


REFUSED = {
    "argmax": (
        chain("(4,)", "layers.Dense(3)", "(lambda y: keras.ops.argmax(y, -1))"),
        ROWS,
        "onnx has no operator for Bitcast, BitwiseAnd at opset 17; use savedmodel",
    ),
    "text": (
        chain("(2,), dtype='string'", "layers.StringLookup(vocabulary=['a', 'b'])"),
        case("{values: [[a, b], [c, b], [b, a]]}"),
        "onnx has no operator for LookupTableFindV2 at opset 17; use savedmodel",
    ),
    "one name twice": (
        "\ndef make_model():\n    inputs = {'x': keras.Input((4,), name='x')}\n"
        "    return keras.Model(inputs, {'x': layers.Dense(2)(inputs['x'])})\n",
        ROWS,
        "onnx cannot call an input and an output 'x' alike; rename one of them",
    ),
    "state": (
        chain("(5, 3), batch_size=2", "layers.LSTM(4, stateful=True)"),
        case("{normal: true, shape: [2, 5, 3]}"),
        "onnx cannot keep the state that the model changes when it answers; use savedmodel",
    ),
    "bfloat16": (
        chain("(4,)", "layers.Dense(3, dtype='mixed_bfloat16', name='half')"),
        ROWS + "validation: {tolerance: {atol: 0.1}}\n",
        "onnx has no operators for bfloat16, as 'functional_1/Cast' is; use savedmodel",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_it_cannot_hold_is_refused_in_one_line(kind: str, project: Path, build: Build) -> None:
    source, rest, expected = REFUSED[kind]
    manifest = projects.project(project, source, "[onnx]", rest)
    with pytest.raises(Refusal) as refused:
        build(manifest)
    assert projects.said(refused.value) == [expected]
    assert not published(manifest, "onnx").exists()


def test_missing_extra_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_format, "find_spec", lambda name: None if name == "tf2onnx" else name)
    nothing: Any = None
    assert onnx_format.refusal(nothing, {}) == (
        "onnx needs tf2onnx: run `pip install 'artifactbuild[onnx]'`"
    )


def digest(content: bytes) -> str:
    """Stand for bytes in an assertion: pytest takes gigabytes to show how two blobs differ."""
    return hashlib.sha256(content).hexdigest()


BRANCHED = """
def make_model():
    inputs = keras.Input((6, 4), name="x")
    x = layers.GRU(4, unroll=True, return_sequences=True)(inputs)
    x = x + layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.LSTM(4)(x)
    return keras.Model(inputs, layers.Dense(2)(x))
"""


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    ((first, second),) = projects.in_two_processes(
        tmp_path,
        BRANCHED,
        ["[onnx]"],
        case("{normal: true, shape: [8, 6, 4]}"),
        "onnx/v1/model.onnx",
    )
    assert digest(first) == digest(second)
    assert first.find(str(tmp_path).encode()) == -1


def graph(names: dict[str, str], order: tuple[int, ...]) -> Any:
    """Make out = Add(Mul(x, two), Mul(x, two')), with a choice of names and order."""
    given = {"x": "x", "out": "Mul_1", **names}
    float32 = TensorProto.FLOAT
    nodes = [
        helper.make_node("Mul", [given["x"], given["two"]], [given["left"]], given["left"]),
        helper.make_node("Mul", [given["left"], given["three"]], [given["right"]]),
        helper.make_node("Add", [given["left"], given["right"]], [given["out"]], "sum__9"),
        helper.make_node("Neg", [given["x"]], [f"unused{order}"]),
    ]
    value = helper.make_tensor_value_info
    constants = [
        helper.make_tensor(given["three"], float32, [1], [3.0]),
        helper.make_tensor(given["two"], float32, [1], [2.0]),
    ]
    made = helper.make_graph(
        [nodes[index] for index in order],
        "graph",
        [value(given["x"], float32, [f"unk__{order[0]}", 1])],
        [value(given["out"], float32, [f"unk__{order[0]}", 1])],
        constants if order[0] else constants[::-1],
        doc_string=f"made by {order}",
        value_info=[value(given["left"], float32, None)],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_canonical_bytes_follow_from_the_structure_alone() -> None:
    one = graph({"two": "c__1", "three": "c__2", "left": "l__3", "right": "r"}, (0, 1, 2, 3))
    other = graph({"two": "Mul_2", "three": "a", "left": "m__30", "right": "Mul_0"}, (3, 0, 1, 2))
    content = opgraph.canonical(one)
    assert digest(content) == digest(opgraph.canonical(other))
    again = onnx.ModelProto.FromString(content)
    assert digest(opgraph.canonical(again)) == digest(content)
    onnx.checker.check_model(again)
    assert [each.name for each in again.graph.output] == ["Mul_1"]
    assert [node.op_type for node in again.graph.node] == ["Mul", "Mul", "Add"]


@pytest.mark.parametrize("step", opgraph.STEPS)
def test_canonical_bytes_need_the_step(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = graph({"two": "c__1", "three": "c__2", "left": "l__3", "right": "r"}, (0, 1, 2, 3))
    other = graph({"two": "Mul_2", "three": "a", "left": "m__30", "right": "Mul_0"}, (3, 0, 1, 2))
    attributes = [helper.make_attribute("alpha", 0.1), helper.make_attribute("beta", 0.2)]
    one.graph.node[0].attribute.extend(attributes)
    other.graph.node[1].attribute.extend(attributes[::-1])
    assert digest(opgraph.canonical(deepcopy(one))) == digest(opgraph.canonical(deepcopy(other)))
    monkeypatch.setattr(opgraph, "STEPS", tuple(each for each in opgraph.STEPS if each is not step))
    assert digest(opgraph.canonical(one)) != digest(opgraph.canonical(other))


def test_canonical_graph_computes_the_same() -> None:
    content = opgraph.canonical(
        graph({"two": "c__1", "three": "c__2", "left": "l__3", "right": "r"}, (0, 1, 2, 3))
    )
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(["Mul_1"], {"x": np.array([[1.0]], "float32")})
    assert found.tolist() == [[8.0]]


def test_graphs_inside_operations_are_renamed_with_what_they_read() -> None:
    boolean, float32 = TensorProto.BOOL, TensorProto.FLOAT
    value = helper.make_tensor_value_info
    branches = {
        f"{side}_branch": helper.make_graph(
            [helper.make_node(kind, ["outer__5"], [f"{side}__8"])],
            side,
            [],
            [value(f"{side}__8", float32, [1])],
        )
        for side, kind in (("then", "Neg"), ("else", "Abs"))
    }
    made = helper.make_graph(
        [
            helper.make_node("Exp", ["x"], ["outer__5"]),
            helper.make_node("If", ["flag"], ["out"], **branches),
        ],
        "graph",
        [value("flag", boolean, []), value("x", float32, [1])],
        [value("out", float32, [1])],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content = opgraph.canonical(model)
    assert digest(opgraph.canonical(onnx.ModelProto.FromString(content))) == digest(content)
    assert content.find(b"__") == -1
    onnx.checker.check_model(model, full_check=True)
    assert opgraph.foreign(model) == []


def test_operations_that_onnx_lacks_are_found_inside_graphs_too() -> None:
    model = graph({"two": "a", "three": "b", "left": "l", "right": "r"}, (0, 1, 2, 3))
    model.graph.node[1].op_type = "Erfc"
    model.graph.node[0].domain = "other"
    assert opgraph.foreign(model) == ["Erfc", "Mul"]
