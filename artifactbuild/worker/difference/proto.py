"""Protocol buffers (SavedModel, fingerprint, ONNX) as trees: what has a name is found by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from tensorflow.core.protobuf import saved_model_pb2

from artifactbuild.worker.difference import tree
from artifactbuild.worker.fingerprints import FingerprintDef

WORDS = (
    (r"^meta_graphs\[0\]\.", ""),
    (r"^graph(_def)?\.(library\.)?", ""),
    (r"\bfunction\[('[^']*')\]", r"function \1"),
    (r"\.?\bnode(_def)?\[('[^']*')\]", r" node \2"),
    (r"\binitializer\[('[^']*')\]", r"initializer \1"),
    (r"\.attr(ibute)?(?:\[('[^']*')\]|\.(\w+))", r" attribute \2\3"),
)
"""Patterns of paths, and the words of those who know graphs."""

SCALARS = (bool, int, float, str, bytes)
"""What a field of no message holds where it is not repeated."""

LATE = ("meta_info_def",)
"""What only sums up the graph: named when nothing else differs."""


def saved_model(before: Path, after: Path) -> Iterator[str]:
    """Yield the functions, nodes and attributes that differ."""
    yield from _differences(saved_model_pb2.SavedModel, before, after)


def fingerprint(before: Path, after: Path) -> Iterator[str]:
    """Yield the fields that differ."""
    yield from _differences(FingerprintDef, before, after)


def onnx(before: Path, after: Path) -> Iterator[str]:
    """Yield the nodes, initializers and attributes that differ."""
    from onnx import ModelProto

    yield from _differences(ModelProto, before, after)


def plain(message: Message) -> dict[str, Any]:
    """Return what is set in a message, by field."""
    return {field.name: _value(field, value) for field, value in message.ListFields()}


def _differences(kind: type[Message], before: Path, after: Path) -> Iterator[str]:
    trees = []
    for path in (before, after):
        message = kind()
        message.ParseFromString(path.read_bytes())
        trees.append(plain(message))
    late = []
    for difference in map(_worded, tree.differences(trees[0], trees[1])):
        if difference.startswith(LATE):
            late.append(difference)
        else:
            yield difference
    yield from late


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is None:
        return value if isinstance(value, SCALARS) else list(value)
    if field.message_type.GetOptions().map_entry:
        return {
            key: plain(value[key]) if isinstance(value[key], Message) else value[key]
            for key in sorted(value)
        }
    if isinstance(value, Message):
        return plain(value)
    return tree.named([plain(item) for item in value], [_name(item) for item in value])


def _name(message: Message) -> str:
    """Return the name that a message bears itself, or, as a function does, in its signature."""
    fields = message.DESCRIPTOR.fields_by_name
    if "name" in fields and fields["name"].type == FieldDescriptor.TYPE_STRING:
        return str(message.name)
    return str(message.signature.name) if "signature" in fields else ""


def _worded(difference: str) -> str:
    for pattern, words in WORDS:
        difference = re.sub(pattern, words, difference, count=1)
    return difference.strip()
