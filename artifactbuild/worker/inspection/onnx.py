"""ONNX files: the operators of the standard only, and every tensor inside the file."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError, Message

from artifactbuild.release.fault import Fault
from artifactbuild.worker.canonical import opgraph
from artifactbuild.worker.inspection.fields import hidden

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
FIELDS = frozenset(
    {
        "doc_string",
        "functions",
        "graph",
        "ir_version",
        "opset_import",
        "producer_name",
        "producer_version",
    }
)
"""What stands in a model of ours, and functions, which are named apart.

ONNX Runtime, say, takes the settings of its session from `metadata_props`.
"""


def inspect(path: Path) -> Iterator[Fault]:
    """Find operators of other domains, functions, and values that lie in other files."""
    if find_spec("onnx") is None:
        message = "cannot be read without the onnx library"
        hint = "run `pip install 'artifactbuild[onnx]'`"
        yield Fault(kind="unreadable", file=path.name, message=message, hint=hint)
        return
    import onnx

    raw, model = path.read_bytes(), onnx.ModelProto()
    try:
        model.ParseFromString(raw)
    except DecodeError as error:
        yield _fault(path, "unreadable", "", f"is no ONNX model: {error}")
        return
    if message := hidden(model, len(raw)):
        yield _fault(path, "hidden", "", message)
    for field, _ in model.ListFields():
        if field.name not in FIELDS:
            yield _fault(path, "onnx-field", field.name, "is there, and artifactbuild writes none")
    for opset in model.opset_import:
        if opset.domain not in DOMAINS:
            yield _fault(path, "onnx-domain", "opset_import", f"uses the domain {opset.domain!r}")
    for function in model.functions:
        message = "is a function, which artifactbuild writes none of"
        yield _fault(path, "onnx-domain", f"functions[{function.name}]", message)
    for kind in opgraph.foreign(model):
        message = f"uses the operator {kind!r}, which ONNX does not have"
        yield _fault(path, "operation", "graph", message)
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            named = {entry.key: entry.value for entry in tensor.external_data}
            message = f"keeps its values in another file, {named.get('location', '?')!r}"
            yield _fault(path, "onnx-external", tensor.name or "a tensor", message)


def _tensors(message: Any) -> Iterator[Any]:
    """Yield every tensor anywhere in a message: in graphs, attributes, training information."""
    pending = [message]
    while pending:
        found = pending.pop()
        if found.DESCRIPTOR.name == "TensorProto":
            yield found
            continue
        for field, value in found.ListFields():
            if field.message_type is not None:
                pending += [value] if isinstance(value, Message) else list(value)


def _fault(path: Path, kind: str, at: str, message: str) -> Fault:
    return Fault(kind=kind, file=path.name, at=at, message=message)
