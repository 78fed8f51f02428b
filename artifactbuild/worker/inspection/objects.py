"""Keras configurations: every class and function that they name, compared with what may be named.

Keras looks a name up among the registered objects, then in its own modules, and calls what it
finds. So what Keras itself finds must be a building block of models, whoever declares it; any other
name must be a declared custom object, which whoever loads the model brings.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from artifactbuild.data import Mismatch, loads
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import CustomObject, Record
from artifactbuild.worker.inspection import blocks

PLAIN = frozenset(
    {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__"}
)
"""Words that Keras itself writes for values."""

FUNCTION, LAMBDA = "function", "__lambda__"

FILES = ("filepath", "idf_weights", "vocabulary")
"""Arguments in which Keras takes the path of a file; lists of values are what may stand there."""

MAX_DEPTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What the manifest of an artifact declares, where there is one.

    `targets` are its custom objects; `locked` tells that its lock has the digest of the record.
    """

    targets: frozenset[str]
    locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a configuration may name that is not Keras' own.

    `declared` are the custom objects that a manifest vouches for, `claimed` those that the record
    alone names; `lambdas` tells whether bytecode is let through.
    """

    declared: frozenset[str]
    claimed: frozenset[str]
    lambdas: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """A name of the configuration that only the artifact's own record declares."""

    name: str


def names(made: Record, declaration: Declaration | None, *, lambdas: bool) -> Names:
    """Return the names of a record's custom objects, in both spellings, by who declares them."""
    known = [item for item in made.custom_objects if _is_known(item, declaration)]
    vouched = [item for item in known if declaration and (declaration.locked or _is_same(item))]
    return Names(
        declared=frozenset(name for item in vouched for name in _spellings(item)),
        claimed=frozenset(name for item in known for name in _spellings(item)),
        lambdas=lambdas,
    )


def _is_known(item: CustomObject, declaration: Declaration | None) -> bool:
    """Tell whether a manifest declares an object, if there is one."""
    return declaration is None or declaration.locked or item.target in declaration.targets


def _is_same(item: CustomObject) -> bool:
    """Tell whether the record's name for an object is that of its class or function."""
    return item.name.split(">")[-1] == item.target.split(":")[-1]


def _spellings(item: CustomObject) -> tuple[str, str]:
    return item.name, item.name.split(">")[-1]


def inspect(raw: bytes, file: str, inside: str, names: Names) -> Iterator[Fault | Unverified]:
    """Find what a configuration in JSON must not hold, and the names that nobody verified."""
    try:
        config = loads(raw, depth=MAX_DEPTH, finite=False)
    except Mismatch as mismatch:
        message = f"is no configuration: {mismatch}"
        yield Fault(kind="unreadable", file=file, at=inside, message=message)
        return
    for found in _walk(config, names):
        if isinstance(found, Unverified):
            yield found
        else:
            at, kind, message = found
            place = f"{inside}:{at}" if inside else at
            hint = _HINTS.get(kind, "")
            yield Fault(kind=kind, file=file, at=place, message=message, hint=hint)


_HINTS = {
    "keras-object": "declare it under `custom_objects:` of the manifest, if it is the model's own",
    "lambda": "only a manifest that says `allow_lambda: true` lets it through",
}

Found = tuple[str, str, str] | Unverified


def _walk(config: Any, names: Names) -> Iterator[Found]:
    """Yield place, kind and message of what is wrong, without recursion."""
    pending: list[tuple[str, Any]] = [("$", config)]
    while pending:
        at, value = pending.pop()
        if isinstance(value, dict):
            yield from _mapping(at, value, names)
            pending += [(f"{at}.{key}", item) for key, item in reversed(value.items())]
        elif isinstance(value, list):
            pending += [(f"{at}[{index}]", item) for index, item in reversed([*enumerate(value)])]


def _mapping(at: str, value: Mapping[str, Any], names: Names) -> Iterator[Found]:
    for key in FILES:
        if isinstance(value.get(key), str):
            yield f"{at}.{key}", "config-path", f"is the path of a file, {value[key]!r}"
    if "class_name" not in value:
        return
    name, module = value["class_name"], value.get("module")
    function = name == FUNCTION
    called = value.get("config") if function else name
    if not isinstance(name, str):
        yield at, "keras-object", f"class_name is {name!r}, expected a name"
    elif name == LAMBDA or _is_bytecode(value):
        if not names.lambdas:
            yield at, "lambda", "is Python bytecode, which runs when the model is loaded or called"
    elif name in PLAIN:
        return
    elif name.startswith("__") or not isinstance(called, str) or not _is_module(module):
        yield at, "keras-object", f"names the {_kind(function)} {_full(module, called)}, {_NEITHER}"
    else:
        yield from _named(at, value, called, names)


def _named(at: str, value: Mapping[str, Any], called: str, names: Names) -> Iterator[Found]:
    """Judge a name: as Keras' own if Keras finds it, else as one that is declared."""
    module, function = value.get("module"), value["class_name"] == FUNCTION
    kind, full = _kind(function), _full(module, called)
    registered = value.get("registered_name")
    spelt = called if function or registered is None else registered
    if _is_of_keras(module, called, function=function):
        if message := _not_a_block(module, called, function=function):
            yield at, "keras-name", f"names the {kind} {full}, {message}"
            return
        if registered in (None, called, FUNCTION if function else None):
            return
    if not isinstance(spelt, str) or not _may_be_declared(module, spelt, names):
        yield at, "keras-object", f"names the {kind} {full}, {_NEITHER}"
    elif spelt not in names.declared:
        yield Unverified(name=spelt)


_NEITHER = "neither a building block of Keras nor a declared custom object"


def _is_module(module: Any) -> bool:
    return isinstance(module, str | None)


def _kind(function: bool) -> str:
    return FUNCTION if function else "class"


def _is_of_keras(module: str | None, name: str, *, function: bool) -> bool:
    """Tell whether Keras itself takes something under a name, if nothing is registered for it."""
    if blocks.package(module) == "keras":
        return True
    if function:
        return blocks.own_function(module, name) is not None
    return blocks.own_class(module, name) is not None


def _not_a_block(module: str | None, name: str, *, function: bool) -> str:
    """Say why what Keras takes under a name is nothing to make a model of; empty if it is."""
    message = "which is not a building block of Keras; declaring it does not make it one"
    if function:
        return "" if blocks.is_function(module, name) else message
    found = blocks.own_class(module, name)
    if blocks.loads_a_program(found):
        return "which loads another program"
    return "" if blocks.is_block(found) else message


def _may_be_declared(module: str | None, name: str, names: Names) -> bool:
    """Tell whether a name is declared; what the record alone declares must be of the project."""
    if name in names.declared:
        return True
    foreign = blocks.is_platform(module) or blocks.package(module) in blocks.IMPORTED
    if module == builtins.__name__:
        foreign = hasattr(builtins, name)
    return name in names.claimed and not foreign


def _is_bytecode(value: Mapping[str, Any]) -> bool:
    """Tell whether a Lambda layer's function is anything but a reference by name."""
    if value["class_name"] != keras.layers.Lambda.__name__:
        return False
    config = value.get("config")
    function = config.get("function") if isinstance(config, dict) else None
    return not (isinstance(function, dict) and function.get("class_name") == FUNCTION)


def _full(module: Any, name: Any) -> str:
    return repr(f"{module}.{name}" if module is not None else str(name))
