"""Names inside functions: without the counters that TensorFlow puts into some of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from artifactbuild.worker.canonical import Unknown
from artifactbuild.worker.canonical.savedmodel.saved import Saved

GIVEN = "_user_specified_name"
PLACES = "_class"

_COUNTED = re.compile(r"(?<=key_value_init)\d+(?=[/_])|(?<=_)\d+(?=___redundant_placeholder\d)")
"""The number of a table's initializer, and that of a loop in what its condition does not use."""

_NAMED = re.compile(r"[^:^@]+")
"""A name as inputs (`^x`, `x:output:0`), captures (`x:0`) and places (`loc:@x`) write it."""

Rename = Callable[[str], str]


def number_captured(saved: Saved) -> None:
    """Call captured arguments by their place, where TensorFlow calls them by a counter."""
    _rename(saved, {f.signature.name: _of_captured(f) for f in saved.library.function})


def number_counted(saved: Saved) -> None:
    """Number the other counters by first appearance in each function."""
    _rename(saved, {f.signature.name: _counting() for f in saved.library.function})


def _of_captured(function: Any) -> Rename:
    """Give captured arguments their places in `_user_specified_name`; return how names follow."""
    arguments = function.signature.input_arg
    names: dict[str, str] = {}
    for index, described in function.arg_attr.items():
        if GIVEN not in described.attr or not described.attr[GIVEN].s.isdigit():
            continue
        counter, old = described.attr[GIVEN].s.decode(), arguments[index].name
        described.attr[GIVEN].s = str(index).encode()
        if old.endswith(f"_{counter}"):
            names[old] = f"{old.removesuffix(counter)}{index}"
    taken = {argument.name for argument in arguments} - set(names)
    if not taken.isdisjoint(names.values()):
        raise Unknown(f"arguments of one name in the function {function.signature.name!r}")
    return lambda name: _NAMED.sub(lambda found: names.get(found[0], found[0]), name)


def _counting() -> Rename:
    """Return what gives each counter that it meets the next number, and always the same."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return str(numbers.setdefault(found[0], len(numbers)))

    return lambda name: _COUNTED.sub(number, name)


def _rename(saved: Saved, renames: dict[str, Rename]) -> None:
    """Rename within each function, and where an object speaks of a tensor in it."""
    for function in saved.library.function:
        rename = renames[function.signature.name]
        _in_signature(function.signature, rename)
        for node in function.node_def:
            _in_node(node, rename)
        for entries in (function.ret, function.control_ret):
            _in_map(entries, rename)
    for each in saved.objects.nodes:
        if each.HasField("captured_tensor"):
            captured = each.captured_tensor
            captured.name = renames[captured.concrete_function](captured.name)


def _in_signature(signature: Any, rename: Rename) -> None:
    for argument in (*signature.input_arg, *signature.output_arg):
        argument.name = rename(argument.name)
    signature.control_output[:] = map(rename, signature.control_output)


def _in_node(node: Any, rename: Rename) -> None:
    node.name = rename(node.name)
    node.input[:] = map(rename, node.input)
    if PLACES in node.attr:
        places = node.attr[PLACES].list.s
        places[:] = [rename(place.decode()).encode() for place in places]


def _in_map(entries: Any, rename: Rename) -> None:
    renamed = {rename(key): rename(value) for key, value in entries.items()}
    entries.clear()
    entries.update(renamed)
