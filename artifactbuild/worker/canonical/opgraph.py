"""ONNX models named and ordered by their structure alone.

The converter numbers what it makes, and of equal constants and operations keeps one whose name
hangs on memory addresses. So names inside the model are given anew, by first visit from the
outputs; those of the signature stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


def canonical(model: Any) -> bytes:
    """Return the bytes of a model proto, rewritten in place; doing it twice changes nothing."""
    for step in STEPS:
        step(model)
    return bytes(model.SerializeToString(deterministic=True))


def forget_remarks(model: Any) -> None:
    """Leave out what the converter says of itself and of its sources."""
    model.doc_string = ""
    for graph in _graphs(model):
        graph.doc_string = ""
        for each in (*graph.node, *graph.input, *graph.output, *graph.value_info):
            each.doc_string = ""


def order(model: Any) -> None:
    """Sort operations so that each follows what it needs, as that is needed; drop what is not."""
    for graph in _graphs(model):
        _order(graph)


def sort_attributes(model: Any) -> None:
    """Sort the attributes of operations by name."""
    for graph in _graphs(model):
        for node in graph.node:
            node.attribute.sort(key=_name)


def rename(model: Any) -> None:
    """Name operations and values by first visit; drop constants that nothing uses."""
    signature = frozenset(value.name for value in (*model.graph.input, *model.graph.output))
    _rename(model.graph, _Names(signature=signature, given={name: name for name in signature}))


def sort_values(model: Any) -> None:
    """Sort constants and described values by their new names."""
    for graph in _graphs(model):
        graph.initializer.sort(key=_name)
        graph.value_info.sort(key=_name)


def name_sizes(model: Any) -> None:
    """Number the open sizes of inputs, outputs and described values by first appearance."""
    names: dict[str, str] = {}
    for graph in _graphs(model):
        for value in (*graph.input, *graph.output, *graph.value_info):
            for size in value.type.tensor_type.shape.dim:
                if size.dim_param:
                    new = names.setdefault(size.dim_param, f"size_{len(names)}")
                    size.dim_param = new


STEPS: tuple[Callable[[Any], None], ...] = (
    forget_remarks,
    order,
    sort_attributes,
    rename,
    sort_values,
    name_sizes,
)
"""In order: what is named by first visit is sorted before, and what is sorted by name after."""


def foreign(model: Any) -> list[str]:
    """Return the types of operations that ONNX does not have, sorted."""
    from onnx import defs

    versions = {opset.domain: opset.version for opset in model.opset_import}
    nodes = (node for graph in (model.graph, *_below(model.graph)) for node in graph.node)
    found = {(node.op_type, node.domain) for node in nodes}
    return sorted(
        kind
        for kind, domain in found
        if domain not in versions or not defs.has(kind, versions[domain], domain)
    )


@dataclass(kw_only=True)
class _Names:
    """New names by old ones, each counted by its kind; none is a name of the signature."""

    signature: frozenset[str]
    given: dict[str, str]
    counts: dict[str, int] = field(default_factory=dict)

    def fresh(self, kind: str) -> str:
        """Return the next name of a kind, whatever names the model came with."""
        while True:
            number = self.counts.get(kind, 0)
            self.counts[kind] = number + 1
            if f"{kind}_{number}" not in self.signature:
                return f"{kind}_{number}"

    def of(self, old: str, kind: str) -> str:
        """Return the new name of an old one; the empty name, an input left out, stays empty."""
        if old and old not in self.given:
            self.given[old] = self.fresh(kind)
        return self.given.get(old, "")


def _graphs(model: Any) -> list[Any]:
    """Return the graph and all graphs inside its operations, inner ones first."""
    return [*_below(model.graph), model.graph]


def _below(graph: Any) -> Iterator[Any]:
    """Yield the graphs inside a graph's operations, as loops and branches have, at any depth."""
    for node in graph.node:
        for inner in _inside(node):
            yield from _below(inner)
            yield inner


def _inside(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _order(graph: Any) -> None:
    makers = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    order: dict[int, None] = {}
    pending = [(makers[out.name], False) for out in reversed(graph.output) if out.name in makers]
    while pending:
        index, ready = pending.pop()
        if ready:
            order[index] = None
        elif index not in order:
            needs = [makers[name] for name in _needs(graph.node[index]) if name in makers]
            pending += [(index, True), *((need, False) for need in reversed(needs))]
    nodes = [type(node).FromString(node.SerializeToString()) for node in graph.node]
    del graph.node[:]
    graph.node.extend(nodes[index] for index in order)


def _needs(node: Any) -> Iterator[str]:
    """Yield the names that an operation reads, also from inside its own graphs."""
    yield from node.input
    for graph in _inside(node):
        for inner in graph.node:
            yield from _needs(inner)
        yield from (output.name for output in graph.output)


def _rename(graph: Any, names: _Names) -> None:
    for value in graph.input:
        value.name = names.of(value.name, "input")
    for node in graph.node:
        _rename_node(node, names)
    for output in graph.output:
        output.name = names.of(output.name, "constant")
    _rename_values(graph, names)


def _rename_node(node: Any, names: _Names) -> None:
    node.name = names.fresh(node.op_type)
    node.input[:] = [names.of(name, "constant") for name in node.input]
    for number, inner in enumerate(_inside(node)):
        inner.name = f"{node.name}/{number}"
        _rename(inner, names)
    node.output[:] = [names.of(name, node.op_type) for name in node.output]


def _rename_values(graph: Any, names: _Names) -> None:
    """Give constants and described values their new names; drop those that nothing uses."""
    for items in (graph.initializer, graph.value_info):
        used = [type(item).FromString(item.SerializeToString()) for item in items]
        del items[:]
        items.extend(item for item in used if item.name in names.given)
        for item in items:
            item.name = names.given[item.name]


def _name(item: Any) -> str:
    return str(item.name)
