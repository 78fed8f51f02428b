"""A SavedModel in memory, and the ways through its functions that its content alone decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

GRADIENT = "_gradient_op_type"
"""The attribute of an operation that names its own gradient, as registered in the library."""

TWINS = ("forward_function_name", "backward_function_name")
"""The attributes of a function that name the functions made of it for its gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The message in `saved_model.pb`; `beside` is a digest of the files that lie beside it."""

    message: Any
    beside: str

    @property
    def graph(self) -> Any:
        """The main graph."""
        return self.message.meta_graphs[0].graph_def

    @property
    def library(self) -> Any:
        """The functions and their gradients."""
        return self.graph.library

    @property
    def objects(self) -> Any:
        """The objects that `tf.saved_model.load` makes, with their functions by name."""
        return self.message.meta_graphs[0].object_graph_def


def nodes(saved: Saved) -> Iterator[Any]:
    """Yield every operation: the main graph's, then each function's."""
    yield from saved.graph.node
    for function in saved.library.function:
        yield from function.node_def


def attributes(node: Any) -> Iterator[Any]:
    """Yield the values of an operation's attributes in the order of their names."""
    for name in sorted(node.attr):
        yield node.attr[name]


def called(value: Any) -> Iterable[Any]:
    """Return the functions that an attribute's value names, as messages with the name."""
    return (value.func,) if value.HasField("func") else value.list.func


def copies(messages: Any) -> list[Any]:
    """Return copies of a repeated field's messages, which outlive that it is cleared."""
    return [type(each).FromString(each.SerializeToString()) for each in messages]


def visited(saved: Saved) -> list[str]:
    """Return the names of the functions by first visit, from the objects and the main graph on.

    A function is followed by those that it needs, in the order of its operations; an operation
    needs its gradient too.
    """
    library = {each.signature.name: each for each in saved.library.function}
    gradients = {each.registered_op_type: each.gradient_func for each in registered(saved)}
    order: dict[str, None] = {}
    pending = [*_of_objects(saved.objects), *_of_nodes(saved.graph.node, gradients)][::-1]
    while pending:
        name = pending.pop()
        if name in library and name not in order:
            order[name] = None
            pending += [*_of_function(library[name], gradients)][::-1]
    return list(order)


def registered(saved: Saved) -> Any:
    """Return which kind of operation has which function for its gradient."""
    return saved.library.registered_gradients


def _of_objects(objects: Any) -> Iterator[str]:
    for each in objects.nodes:
        yield from each.function.concrete_functions
        yield each.bare_concrete_function.concrete_function_name
        yield each.captured_tensor.concrete_function


def _of_function(function: Any, gradients: Mapping[str, str]) -> Iterator[str]:
    yield from (function.attr[key].s.decode() for key in TWINS if key in function.attr)
    yield from _of_nodes(function.node_def, gradients)


def _of_nodes(nodes: Any, gradients: Mapping[str, str]) -> Iterator[str]:
    """Yield what each operation names: its own kind may be a function, and its attributes."""
    for node in nodes:
        yield node.op
        for value in attributes(node):
            yield from (function.name for function in called(value))
        if GRADIENT in node.attr:
            yield gradients.get(node.attr[GRADIENT].s.decode(), "")
