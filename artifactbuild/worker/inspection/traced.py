"""What TensorFlow traces to save and to restore a model, and how a function differs from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tensorflow as tf

_SHARD = "StringJoin(file, Select(StaticRegexFullMatch[^s3://.*](file), b'.part', b'_temp/part'))"
_PATH = f"ShardedFilename({_SHARD}, 0, 1)"

DEEPEST, WIDEST = 8, 3
"""How far operands are followed, and how many of one operation; TensorFlow's need no more."""

_PLAIN = frozenset({"Const", "Identity", "NoOp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a function may consist of.

    `paths` are the operations that reach files, once each, with their leading operands.
    """

    operations: frozenset[str]
    paths: Mapping[str, tuple[str, ...]]


SAVE = Shape(
    operations=_PLAIN
    | {"DisableCopyOnRead", "Pack", "ReadVariableOp", "Select", "StaticRegexFullMatch"}
    | {"StringJoin"},
    paths={
        "ShardedFilename": (_SHARD, "0", "1"),
        "SaveV2": (_PATH,),
        "MergeV2Checkpoints": (f"Pack({_PATH})", "file"),
    },
)
RESTORE = Shape(
    operations=_PLAIN | {"AssignVariableOp", "LookupTableImportV2"},
    paths={"RestoreV2": ("file",)},
)

_KINDS = frozenset({"dtype", "dtypes", "T", "N", "Tin", "Tout"})
"""Attributes that say what an operation computes with, and not what it does."""

_OWN = {
    "Const": frozenset({"value"}),
    "StaticRegexFullMatch": frozenset({"pattern"}),
    "AssignVariableOp": frozenset({"validate_shape"}),
}


def _free(operation: str) -> frozenset[str]:
    return _KINDS | _OWN.get(operation, frozenset())


def _is_told(attribute: str) -> bool:
    """Return whether an attribute is one of the operation, and no remark of TensorFlow."""
    return not attribute.startswith("_")


def node_of(tensor: str) -> str:
    """Return the node of a tensor's name, as inputs and signatures write it."""
    return tensor.removeprefix("^").split(":")[0]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A function, read for what its operands are made of."""

    function: Any

    @cached_property
    def nodes(self) -> dict[str, Any]:
        """The operations by name."""
        return {node.name: node for node in self.function.node_def}

    @cached_property
    def arguments(self) -> dict[str, str]:
        """The arguments as operands write them; the first one is the path."""
        names = [argument.name for argument in self.function.signature.input_arg]
        return {name: f"argument {n}" if n else "file" for n, name in enumerate(names)}

    def differences(self, shape: Shape) -> Iterator[str]:
        """Yield what is different from a shape, in words that follow on one another."""
        arguments = self.function.signature.input_arg
        if not arguments or arguments[0].type != tf.string.as_datatype_enum:
            yield "its first argument is not a path"
        if len(self.nodes) != len(self.function.node_def):
            yield "two of its operations have the same name"
        if not self.arguments.keys().isdisjoint(self.nodes):
            yield "an operation has the name of an argument"
        expected = shape.operations | set(shape.paths)
        for node in self.function.node_def:
            if node.op not in expected:
                yield f"it holds {node.op} ({node.name})"
            elif strange := sorted(set(filter(_is_told, node.attr)) - _free(node.op)):
                yield f"its {node.op} has {', '.join(strange)}"
        for operation, operands in shape.paths.items():
            yield from self._path(operation, operands)
        yield from self._written()

    def _path(self, operation: str, operands: tuple[str, ...]) -> Iterator[str]:
        """Compare the leading operands of an operation with those that TensorFlow gives it."""
        found = [node for node in self.function.node_def if node.op == operation]
        if len(found) != 1:
            yield f"it holds {operation} {len(found)} times, expected once"
            return
        read = tuple(self.read(operand) for operand in self._operands(found[0])[: len(operands)])
        if read != operands:
            yield f"its {operation} takes {', '.join(read)}, expected {', '.join(operands)}"

    def _written(self) -> Iterator[str]:
        """Yield what changes anything but a variable or a table that the function is given."""
        for node in self.function.node_def:
            if node.op in ("AssignVariableOp", "LookupTableImportV2"):
                target, *values = (self.read(each) for each in self._operands(node))
                if not target.startswith("argument "):
                    yield f"its {node.op} changes {target}"
                if not all(value.startswith("RestoreV2(") for value in values):
                    yield f"its {node.op} takes {', '.join(values)}, expected what is restored"

    @staticmethod
    def _operands(node: Any) -> list[str]:
        return [operand for operand in node.input if not operand.startswith("^")]

    def read(self, operand: str, depth: int = DEEPEST) -> str:
        """Return what an operand is made of, without what only passes it on."""
        if operand in self.arguments:
            return self.arguments[operand]
        node = self.nodes.get(node_of(operand))
        operands = [] if node is None else self._operands(node)
        if node is None or not depth or len(operands) > WIDEST:
            return "?"
        if node.op == "Const":
            return _constant(node.attr["value"].tensor)
        read = [self.read(each, depth - 1) for each in operands]
        if node.op == "Identity":
            return read[0] if read else "?"
        pattern = node.attr["pattern"].s.decode(errors="replace")
        return f"{node.op}{f'[{pattern}]' if pattern else ''}({', '.join(read)})"


def _constant(tensor: Any) -> str:
    """Return a constant as Python writes it, if it is one value."""
    if tensor.tensor_shape.dim or tensor.tensor_shape.unknown_rank:
        return "constants"
    try:
        return repr(tf.make_ndarray(tensor).item())
    except (TypeError, ValueError):
        return "?"
