"""The constants of a traced graph, worked out alike on every processor.

Converters work out what depends on weights alone, by TensorFlow's kernels. Some of these give
other last bits on another processor: `Rsqrt` and `Reciprocal` begin with an approximation that
each vendor makes in its own way, and products of matrices add up in an order that depends on the
processor's instructions and caches. Here such a constant is worked out by operations whose every
bit IEEE 754 fixes, in float64, and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

Array = Any
"""An array of NumPy, of any dtype."""

Evaluate = Callable[..., Array]
"""Works out an operation, given with the arrays that it takes."""


def settled(serving: Any) -> Any:
    """Return a traced function that holds as numbers the constants that processors differ in.

    It is the same function if there are none. Constants of inner functions stay as they are.
    """
    numbers = dict(_numbers(serving.graph))
    return _holding(numbers, serving) if numbers else serving


def _numbers(graph: Any) -> Iterator[tuple[str, Array]]:
    """Yield name and value of each constant that processors differ in."""
    captured = {inner.name: outer for outer, inner in graph.captures}
    constant = {*captured}
    known: dict[str, Array | None] = {}
    for operation in graph.get_operations():  # each after those that it takes from
        names = [tensor.name for tensor in operation.inputs]
        if operation.type == "Const" or (names and constant.issuperset(names)):
            constant.update(tensor.name for tensor in operation.outputs)
            if operation.type in DIFFERING:
                tensor = operation.outputs[0]
                number = _number(tensor, captured, known)
                if number is not None:
                    yield tensor.name, number


def _number(
    tensor: Any, captured: Mapping[str, Any], known: dict[str, Array | None]
) -> Array | None:
    """Return the value of a constant; None if it depends on an operation that is not known here."""
    if tensor.name not in known:
        known[tensor.name] = _evaluated(tensor, captured, known)
    return known[tensor.name]


def _evaluated(
    tensor: Any, captured: Mapping[str, Any], known: dict[str, Array | None]
) -> Array | None:
    operation = tensor.op
    if operation.type == "Const":
        return tf.make_ndarray(operation.get_attr("value"))
    if operation.type == "ReadVariableOp":
        return _read(captured.get(operation.inputs[0].name), tensor.dtype)
    if tensor.name in captured:
        outer = captured[tensor.name]
        return None if outer.dtype == tf.resource else outer.numpy()
    evaluate = ALIKE.get(operation.type) or DIFFERING.get(operation.type)
    if evaluate is None:
        return None
    arrays = [_number(each, captured, known) for each in operation.inputs]
    return None if any(array is None for array in arrays) else evaluate(operation, *arrays)


def _read(handle: Any, dtype: Any) -> Array | None:
    """Return the value of a variable."""
    if handle is None:
        return None
    return tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype).numpy()


def _holding(numbers: Mapping[str, Array], serving: Any) -> Any:
    """Return a traced function of the same graph, with numbers in place of some of its tensors."""
    definition = serving.graph.as_graph_def()
    for index in reversed(range(len(definition.node))):
        if definition.node[index].op == "Placeholder":
            del definition.node[index]
    _, specs = serving.structured_input_signature
    outputs = serving.structured_outputs

    def function(**named: Any) -> dict[str, Any]:
        graph = tf.compat.v1.get_default_graph()
        for variable in serving.graph.variables:
            graph.watch_variable(variable)  # else it is no variable to whoever freezes
        # as TensorFlow flattens a dict
        given = zip(serving.inputs, (named[name] for name in sorted(named)), strict=False)
        held = {inner.name: graph.capture(outer) for outer, inner in serving.graph.captures}
        held |= {inner.name: outer for inner, outer in given}
        held |= {name: tf.constant(number) for name, number in numbers.items()}
        found = tf.graph_util.import_graph_def(
            definition, input_map=held, return_elements=_names(outputs), name=""
        )
        return dict(zip(outputs, found, strict=True))

    return tf.function(function, autograph=False).get_concrete_function(**specs)


def _names(outputs: Mapping[str, Any]) -> list[str]:
    return [tensor.name for tensor in outputs.values()]


def _cast(operation: Any, array: Array) -> Array:
    return array.astype(operation.get_attr("DstT").as_numpy_dtype)


def _squeezed(operation: Any, array: Array) -> Array:
    return np.squeeze(array, tuple(operation.get_attr("squeeze_dims")) or None)


def _inverse_root(operation: Any, array: Array) -> Array:
    del operation
    with np.errstate(all="ignore"):
        return (1 / np.sqrt(array.astype(np.float64))).astype(array.dtype)


def _inverse(operation: Any, array: Array) -> Array:
    del operation
    with np.errstate(all="ignore"):
        return (1 / array.astype(np.float64)).astype(array.dtype)


def _product(operation: Any, left: Array, right: Array) -> Array:
    """Multiply matrices, each sum from its first term to its last."""
    transposed = (
        ("transpose_a", "transpose_b") if operation.type == "MatMul" else ("adj_x", "adj_y")
    )
    a, b = (
        np.swapaxes(each, -1, -2) if operation.get_attr(name) else each
        for each, name in zip((left, right), transposed, strict=True)
    )
    shape = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
    total = np.zeros(shape, np.float64)
    for index in range(a.shape[-1]):
        column, row = a[..., :, index : index + 1], b[..., index : index + 1, :]
        total += column.astype(np.float64) * row.astype(np.float64)
    return total.astype(left.dtype)


def _shares(operation: Any, array: Array) -> Array:
    """Return the softmax of the last axis."""
    del operation
    wide = array.astype(np.float64)
    powers = np.exp(wide - wide.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(array.dtype)


def _plain(function: Callable[..., Array]) -> Evaluate:
    """Return what works an operation out that has no attributes of interest."""
    return lambda _, *arrays: function(*arrays)


ALIKE: Mapping[str, Evaluate] = {
    "Abs": _plain(np.abs),
    "Add": _plain(np.add),
    "AddV2": _plain(np.add),
    "Cast": _cast,
    "ExpandDims": _plain(lambda array, axis: np.expand_dims(array, int(axis))),
    "Identity": _plain(lambda array: array),
    "Maximum": _plain(np.maximum),
    "Minimum": _plain(np.minimum),
    "Mul": _plain(np.multiply),
    "Neg": _plain(np.negative),
    "RealDiv": _plain(np.divide),
    "Reshape": _plain(np.reshape),
    "Sqrt": _plain(np.sqrt),
    "Square": _plain(np.square),
    "Squeeze": _squeezed,
    "Sub": _plain(np.subtract),
    "Transpose": _plain(np.transpose),
}
"""Operations that every processor works out alike, which others may take from."""

DIFFERING: Mapping[str, Evaluate] = {
    "BatchMatMul": _product,
    "BatchMatMulV2": _product,
    "Inv": _inverse,
    "MatMul": _product,
    "Reciprocal": _inverse,
    "Rsqrt": _inverse_root,
    "Softmax": _shares,
}
"""Operations whose last bits depend on the processor."""
