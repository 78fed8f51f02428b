"""`model.onnx`: the traced graph for ONNX Runtime and whatever else reads ONNX; an optional extra.

https://onnx.ai and https://github.com/onnx/tensorflow-onnx
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from artifactbuild.manifest.leaving import leave_out
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Loader, Record
from artifactbuild.worker import reference
from artifactbuild.worker.blame import Stopped, described
from artifactbuild.worker.canonical import opgraph
from artifactbuild.worker.formats import constants, graphs, snippets
from artifactbuild.worker.formats.protocol import Load, Loading, Subject, Trusted
from artifactbuild.worker.inspection import onnx as inspection
from artifactbuild.worker.messages import Finding

FILE = "model.onnx"
LIBRARIES = ("onnx", "onnxruntime", "tf2onnx")
OTHERS = "use savedmodel"
PATH = ("formats", "onnx")
XLA = "_XlaMustCompile"
UNMARKED = "_uncompiled"
BFLOAT16 = tf.bfloat16.as_datatype_enum
PAYLOAD = re.compile(r"model\.onnx")


def refusal(subject: Subject, options: Mapping[str, Any]) -> str:
    """Refuse without the extra, and what converts into files that ONNX Runtime cannot load."""
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        return f"onnx needs {', '.join(missing)}: run `pip install 'artifactbuild[onnx]'`"
    if graphs.writes_state(subject.serving):
        return f"onnx cannot keep the state that the model changes when it answers; {OTHERS}"
    inputs = {tensor.name for tensor in subject.facts.inputs}
    if both := [tensor.name for tensor in subject.facts.outputs if tensor.name in inputs]:
        return f"onnx cannot call an input and an output {both[0]!r} alike; rename one of them"
    for operation in graphs.operations(subject.serving):
        if any(attribute.type == BFLOAT16 for attribute in operation.attr.values()):
            return f"onnx has no operators for bfloat16, as {operation.name!r} is; {OTHERS}"
    return ""


def write(subject: Subject, options: Mapping[str, Any], folder: Path) -> None:
    """Freeze the traced function, convert it, give it canonical bytes.

    Raises:
        Stopped: when the converter fails, or leaves operations of TensorFlow in the graph.
    """
    try:
        model = _converted(subject, options["opset"])
    except Exception as error:
        traceback.print_exc()
        raise _stopped(f"onnx cannot be converted: {described(error)}") from error
    if foreign := opgraph.foreign(model):
        at = f"at opset {options['opset']}"
        raise _stopped(f"onnx has no operator for {', '.join(foreign)} {at}; {OTHERS}")
    (folder / FILE).write_bytes(opgraph.canonical(model))


def loaders(subject: Subject, options: Mapping[str, Any]) -> tuple[Loader, ...]:
    """ONNX Runtime on the CPU."""
    code = snippets.paragraphs(
        "import onnxruntime\n",
        "session = onnxruntime.InferenceSession(\n"
        f'    "{FILE}", providers=["CPUExecutionProvider"]\n'
        ")\n"
        "names = [output.name for output in session.get_outputs()]\n",
        "def predict(inputs):\n    return dict(zip(names, session.run(names, dict(inputs))))\n",
    )
    runtime = Loader(
        name="onnxruntime",
        summary="ONNX Runtime, without TensorFlow or any of the project's code",
        code=code,
        against="graph",
        exact=False,
        sources=False,
    )
    return (runtime, graphs.ours())


def inspect(folder: Path, made: Record, trusted: Trusted) -> Iterator[Fault]:
    """Read operators and tensors of the file."""
    yield from inspection.inspect(folder / FILE)


def portable(folder: Path, made: Record) -> Mapping[str, Load]:
    """Return the runtime that users load the file with."""
    how = Loading(custom_objects=None, into=None, safe_mode=True)
    return {"onnxruntime": lambda: restore(folder, made, how)}


def restore(
    folder: Path, made: Record, how: Loading
) -> Callable[[reference.Arrays], reference.Arrays]:
    """Return the function from arrays by name to arrays by name."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / FILE), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, dict(inputs)), strict=True))


def _converted(subject: Subject, opset: int) -> Any:
    """Return the ONNX model, with the names of the signature.

    Freezing first turns captured constants, such as the mean of a Normalization, into constants;
    converted as they are they would become inputs.
    """
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    serving = constants.settled(subject.serving)
    frozen = _uncompiled(_frozen(serving))
    inputs = {tensor.name: _given_name(serving, tensor.name) for tensor in frozen.inputs}
    names = sorted(serving.structured_outputs)  # as TensorFlow flattens a dict
    outputs = dict(zip((tensor.name for tensor in frozen.outputs), names, strict=True))
    model, _ = tf2onnx.convert.from_graph_def(
        frozen.graph.as_graph_def(add_shapes=True),
        name=subject.manifest.name,
        input_names=list(inputs),
        output_names=list(outputs),
        opset=opset,
        custom_op_handlers={"Erfc": (_erfc, [])},
        tensors_to_rename=inputs | outputs,
    )
    return model


def _frozen(function: Any) -> Any:
    return convert_variables_to_constants_v2(
        function, lower_control_flow=False, aggressive_inlining=True
    )


def _uncompiled(frozen: Any) -> Any:
    """Return a frozen function with the calls inlined that Keras marks for XLA.

    Keras has grouped convolutions compiled, since TensorFlow's own CPU kernel lacks them; ONNX has
    them, but inlining passes by whatever is to be compiled.
    """
    graph = frozen.graph.as_graph_def()
    if not any(XLA in function.attr for function in graph.library.function):
        return frozen
    _forget_compiling(graph)
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    inputs, outputs = (
        [wrapped.graph.as_graph_element(tensor.name) for tensor in side]
        for side in (frozen.inputs, frozen.outputs)
    )
    return _frozen(wrapped.prune(inputs, outputs))


def _forget_compiling(graph: Any) -> None:
    """Take the mark from functions and calls; TensorFlow keeps the marked ones by their names."""
    calls = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    for item in (*calls, *graph.library.function):
        item.attr.pop(XLA, None)
    for function in graph.library.function:
        function.signature.name += UNMARKED
    for call in calls:
        for attribute in call.attr.values():
            for called in (attribute.func, *attribute.list.func):
                if called.name:
                    called.name += UNMARKED


def _given_name(serving: Any, tensor: str) -> str:
    """Return an input's name as it was before TensorFlow replaced what it takes in no name."""
    operation = serving.graph.get_tensor_by_name(tensor).op
    return str(operation.get_attr("_user_specified_name").decode())


def _erfc(context: Any, node: Any, name: str, arguments: Any) -> None:
    """Write Erfc, which ONNX lacks and `gelu` needs, as 1 - Erf."""
    from tf2onnx.utils import map_onnx_to_numpy_type

    dtypes, shapes = node.output_dtypes, node.output_shapes
    one = np.ones((), map_onnx_to_numpy_type(dtypes[0]))
    context.remove_node(node.name)
    erf = context.make_node("Erf", node.input, shapes=shapes, dtypes=dtypes)
    context.make_node(
        "Sub",
        [context.make_const(f"{node.name}/one", one).output[0], erf.output[0]],
        outputs=node.output,
        name=node.name,
        shapes=shapes,
        dtypes=dtypes,
    )


def _stopped(message: str) -> Stopped:
    return Stopped(Finding(path=PATH, message=message, hint=leave_out("onnx")))
