"""The two functions of a SavedModel that reach files: the one that saves, the one that restores.

Their operations read and write wherever a path points. So each must be what TensorFlow itself
traces for a model of ours: no operation but those, every path made of the argument alone, and no
one to call it but the saver, which whoever loads the model gives the path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artifactbuild.worker.inspection.traced import RESTORE, SAVE, Reading, Shape, node_of

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
ATTRIBUTES = frozenset({"_construction_context", "_input_shapes"})
"""What TensorFlow says of a function that it traced; others have graphs rewritten by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One end of the saver: the node that a loader runs, and how its function must look."""

    name: str
    node: str
    shape: Shape


def judged(graph: Any, raw: bytes) -> dict[str, str]:
    """Return why each function that the saver calls is not what it is for; empty if it is.

    `raw` are the bytes of the whole file: a name that stands there once more is a caller.
    """
    return {
        function: why
        for role in _roles(graph)
        if (node := _main(graph).get(role.node)) is not None and "f" in node.attr
        for function in [node.attr["f"].func.name]
        for why in ["; ".join(_wrong(graph, role, function, raw))]
    }


def misuses(graph: Any) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the saver itself, by place."""
    saver, main = graph.saver_def, _main(graph)
    file = saver.filename_tensor_name.split(":")[0]
    ends = [role.node for role in _roles(graph)]
    if not any((file, *ends)):
        return
    if file not in main or main[file].op != "Placeholder" or main[file].input:
        yield "saver_def", f"takes its path from {file!r}, expected a placeholder"
    if len(set(ends)) != len(ends):
        yield "saver_def", "saves and restores by the same node"
    for role in _roles(graph):
        if role.node not in main or main[role.node].op not in CALLS:
            yield "saver_def", f"{role.name}s by {role.node!r}, expected a call of a function"
        elif main[role.node].input[:1] != [file]:
            message = f"is not given the path that the saver is given, {file!r}"
            yield role.node, message
    yield from _users(graph, {file}, frozenset(ends), "the path that the saver is given")
    yield from _users(graph, set(ends), frozenset(), "what the saver runs")


def _roles(graph: Any) -> tuple[Role, ...]:
    saver = graph.saver_def
    found = (
        Role(name="save", node=node_of(saver.save_tensor_name), shape=SAVE),
        Role(name="restore", node=node_of(saver.restore_op_name), shape=RESTORE),
    )
    return tuple(role for role in found if role.node)


def _main(graph: Any) -> dict[str, Any]:
    return {node.name: node for node in graph.graph_def.node}


def _users(
    graph: Any, nodes: set[str], allowed: frozenset[str], what: str
) -> Iterator[tuple[str, str]]:
    """Yield who else uses nodes of the saver: by an input, a signature, a collection, an asset."""
    for node in graph.graph_def.node:
        if node.name not in allowed and nodes.intersection(map(node_of, node.input)):
            yield node.name, f"uses {what}"
    places = (
        *((f"signature_def[{key}]", value) for key, value in graph.signature_def.items()),
        *((f"collection_def[{key}]", value) for key, value in graph.collection_def.items()),
        *(("asset_file_def", value) for value in graph.asset_file_def),
    )
    for at, message in places:
        if nodes.intersection(map(node_of, _texts(message))):
            yield at, f"uses {what}"


def _texts(message: Any) -> Iterator[str]:
    """Yield every text in a message, that of bytes too."""
    pending = [message]
    while pending:
        found = pending.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, bytes):
            yield found.decode(errors="replace")
        elif hasattr(found, "ListFields"):
            pending += [value for _, value in found.ListFields()]
        elif isinstance(found, Mapping):
            pending += [part for item in found.items() for part in item]
        elif isinstance(found, Sequence):
            pending += found


def _wrong(graph: Any, role: Role, name: str, raw: bytes) -> Iterator[str]:
    """Yield what keeps a function from being the saver's own."""
    functions = [each for each in graph.graph_def.library.function if each.signature.name == name]
    if len(functions) != 1:
        yield f"the function {name!r} is there {len(functions)} times"
        return
    named = raw.count(_encoded(name.encode()))
    if named != 2:  # its definition, and the saver's call
        yield f"it is named elsewhere, too ({named - 2}×), where others can call it"
    if unknown := sorted(set(functions[0].attr) - ATTRIBUTES):
        yield f"it has the attributes {', '.join(unknown)}"
    yield from Reading(function=functions[0]).differences(role.shape)


def _encoded(text: bytes) -> bytes:
    """Return a text as any field of a protocol buffer holds it: its length in front."""
    length, size = b"", len(text)
    while size >= 0x80:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return length + bytes([size]) + text
