"""Functions: named and ordered by first visit, where TensorFlow has a counter and a hash map."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from artifactbuild.worker.canonical import Unknown
from artifactbuild.worker.canonical.savedmodel.saved import (
    TWINS,
    Saved,
    attributes,
    called,
    copies,
    nodes,
    registered,
    visited,
)

_COUNTED = re.compile(r"(?P<name>.+)_\d+", re.DOTALL)


def order(saved: Saved) -> None:
    """Sort the library by first visit."""
    library = saved.library
    place = {name: index for index, name in enumerate(visited(saved))}
    for each in library.function:
        if each.signature.name not in place:
            raise Unknown(f"the function {each.signature.name!r}, which nothing calls")
    ordered = sorted(copies(library.function), key=lambda each: place[each.signature.name])
    del library.function[:]
    library.function.extend(ordered)


def rename(saved: Saved) -> None:
    """Number the functions by first visit; all that names one follows."""
    names = _Names({old: _renamed(old, index) for index, old in enumerate(visited(saved))})
    for each in _named(saved):
        each.name = names[each.name]
    for node in nodes(saved):
        node.op = names.get(node.op, node.op)
    for function in saved.library.function:
        for key in TWINS:
            if key in function.attr:
                function.attr[key].s = names[function.attr[key].s.decode()].encode()
    for gradient in registered(saved):
        gradient.gradient_func = names[gradient.gradient_func]
    _rename_in_objects(saved.objects, names)
    _none_left(saved, set(names) - set(names.values()))


class _Names(dict[str, str]):
    """New names by old ones."""

    def __missing__(self, name: str) -> str:
        raise Unknown(f"the function {name!r}, which the library does not hold")


def _renamed(name: str, index: int) -> str:
    """Return a name with another number, in the form that TensorFlow knows when it loads."""
    counted = _COUNTED.fullmatch(name)
    if counted is None:
        raise Unknown(f"the function {name!r}, whose name has no number at its end")
    return f"{counted['name']}_{index}"


def _named(saved: Saved) -> Iterator[Any]:
    """Yield all that has the name of a function in its field `name`: definitions and calls."""
    for function in saved.library.function:
        yield function.signature
    for node in nodes(saved):
        for value in attributes(node):
            yield from called(value)


def _rename_in_objects(objects: Any, names: Mapping[str, str]) -> None:
    for each in objects.nodes:
        if each.HasField("function"):
            concrete = each.function.concrete_functions
            concrete[:] = [names[name] for name in concrete]
        if each.HasField("bare_concrete_function"):
            bare = each.bare_concrete_function
            bare.concrete_function_name = names[bare.concrete_function_name]
        if each.HasField("captured_tensor"):
            captured = each.captured_tensor
            captured.concrete_function = names[captured.concrete_function]
    described = {
        names[name]: each.SerializeToString() for name, each in objects.concrete_functions.items()
    }
    objects.concrete_functions.clear()
    for name, content in described.items():
        objects.concrete_functions[name].ParseFromString(content)


def _none_left(saved: Saved, gone: set[str]) -> None:
    """Raise Unknown where a text still names a function as it was called before."""
    texts = {name.encode() for name in gone}
    for node in nodes(saved):
        for key, value in node.attr.items():
            if value.s in texts or not texts.isdisjoint(value.list.s):
                raise Unknown(f"the attribute {key!r} of {node.op}, which names a function")
