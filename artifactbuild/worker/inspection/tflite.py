"""TFLite files: the interpreter's own kernels only, and every buffer inside the file."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorflow.lite.python import schema_py_generated as schema

from artifactbuild.release.fault import Fault

IDENTIFIER = b"TFL3"
PLACEHOLDER = 127
"""What the old field of an operator's code says when the new one has the answer."""

EXTERNAL_BUFFER_GROUPS, EXTERNAL_BUFFERS = 20, 22
EXTERNAL_BUFFER = 24
"""Where the table of a model, and that of a tensor, tell of other files.

TensorFlow's own schema names these fields only since 2.21.
"""

FOREIGN = frozenset({schema.BuiltinOperator.CUSTOM, schema.BuiltinOperator.DELEGATE})
KNOWN = frozenset(
    value for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")
)


def inspect(path: Path) -> Iterator[Fault]:
    """Find custom operators, TensorFlow's own (flex) among them, and buffers elsewhere."""
    content = path.read_bytes()
    try:
        if content[4:8] != IDENTIFIER:
            yield _fault(path, "unreadable", "", "is no TFLite file")
            return
        yield from _inspected(path, schema.Model.GetRootAs(content, 0), len(content))
    except (struct.error, IndexError, TypeError, ValueError, AttributeError, MemoryError) as error:
        yield _fault(path, "unreadable", "", f"is no TFLite file that can be read: {error}")


def _inspected(path: Path, model: Any, size: int) -> Iterator[Fault]:
    yield from _beside(path, model)
    for index in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(index)
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        custom = (code.CustomCode() or b"").decode(errors="replace")
        if number in FOREIGN or custom or number not in KNOWN:
            message = f"is the operator {custom or number!r}, not one of the interpreter's own"
            yield _fault(path, "operation", f"operator_codes[{index}]", message)
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.Offset() > 1 and buffer.Offset() + buffer.Size() > size:
            message = "lies beyond the end of the file"
            yield _fault(path, "tflite-buffer", f"buffers[{index}]", message)
    for number in range(model.SubgraphsLength()):
        graph = model.Subgraphs(number)
        for index in range(graph.TensorsLength()):
            if _number(graph.Tensors(index), EXTERNAL_BUFFER):
                message = "keeps its values in another file"
                at = f"subgraphs[{number}].tensors[{index}]"
                yield _fault(path, "tflite-buffer", at, message)


def _beside(path: Path, model: Any) -> Iterator[Fault]:
    """Find another file in this one, values that lie outside of it, and places that are not there.

    The interpreter leaves what follows the model; other tools keep an archive of labels there.
    """
    if zipfile.is_zipfile(path):
        yield _fault(
            path, "tflite-hidden", "", "holds an archive at its end, which other programs unpack"
        )
    if any(_length(model, field) for field in (EXTERNAL_BUFFERS, EXTERNAL_BUFFER_GROUPS)):
        yield _fault(path, "tflite-buffer", "", "names other files that values are kept in")
    for index in range(model.MetadataLength()):
        if model.Metadata(index).Buffer() >= model.BuffersLength():
            at = f"metadata[{index}]"
            yield _fault(path, "tflite-buffer", at, "is in a buffer that is not there")
    for number in range(model.SubgraphsLength()):
        yield from _graph(path, model, number)


def _graph(path: Path, model: Any, number: int) -> Iterator[Fault]:
    """Find operators with options of their own, and numbers of what is not there."""
    graph = model.Subgraphs(number)
    for index in range(graph.OperatorsLength()):
        operator, at = graph.Operators(index), f"subgraphs[{number}].operators[{index}]"
        if operator.CustomOptionsLength() or operator.LargeCustomOptionsSize():
            message = "has options that none of the interpreter's own operators takes"
            yield _fault(path, "operation", at, message)
        if operator.OpcodeIndex() >= model.OperatorCodesLength():
            yield _fault(path, "operation", at, "is an operator that is not there")
    for index in range(graph.TensorsLength()):
        if graph.Tensors(index).Buffer() >= model.BuffersLength():
            at = f"subgraphs[{number}].tensors[{index}]"
            yield _fault(path, "tflite-buffer", at, "is in a buffer that is not there")


def _length(table: Any, field: int) -> int:
    """Return the length of the list that a field of a table has, 0 without one."""
    place = table._tab.Offset(field)
    return int(table._tab.VectorLen(place)) if place else 0


def _number(table: Any, field: int) -> int:
    """Return the whole number that a field of a table has, 0 without one."""
    place = table._tab.Offset(field)
    if not place:
        return 0
    (number,) = struct.unpack_from("<I", table._tab.Bytes, table._tab.Pos + place)
    return int(number)


def _fault(path: Path, kind: str, at: str, message: str) -> Fault:
    return Fault(kind=kind, file=path.name, at=at, message=message)
