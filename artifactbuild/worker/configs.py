"""A layer's configuration as reviewers read it: without names, and without what is the default.

So it tells what somebody chose, and a release of Keras that brings an option changes nothing here.
"""

from __future__ import annotations

import base64
import inspect
import json
import marshal
import sys
from collections.abc import Mapping
from types import CodeType
from typing import Any

import keras

from artifactbuild.release import digest
from artifactbuild.worker.canonical.archive import canonical_config

LONGEST = 96
"""How long a value may be, as JSON, to be shown as it is."""

FEW = 16
"""How many entries a mapping may have, for each of them to be shown."""

_GLOBAL = {"data_format": "channels_last", "dtype": "float32"}
"""What Keras takes where a class says None: the process is pinned to it."""

_SLICE = ("start", "stop", "step")

_TENSOR = "·"
"""Stands for a tensor among the arguments of a call."""


def chosen(operation: keras.Operation) -> dict[str, Any]:
    """Return what of an operation's configuration differs from its class's defaults."""
    try:
        plain = _plain(operation.get_config())
    except Exception:  # noqa: BLE001, whatever a class of the user's own raises
        return {}
    return _chosen(type(operation), plain)


def calls(nodes: list[Any]) -> dict[str, Any]:
    """Return the constants that an operation is called with in a graph, such as 2 in `x * 2`."""
    called = [_arguments(node) for node in nodes]
    if all(_is_tensors(argument) for each in called for argument in each):
        return {}
    return {"call": called[0] if len(called) == 1 else called}


def shown(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration for people: long values become their size and their digest."""
    return {key: _short(value) for key, value in config.items()}


def _arguments(node: Any) -> list[Any]:
    """Return the arguments of one call: those by position, then a mapping of the others.

    Keras notes `training=False` for a layer whose `call` has that as its default.
    """
    parameters = inspect.signature(node.operation.call).parameters
    named = {
        name: _argument(value)
        for name, value in sorted(node.arguments.kwargs.items())
        if name not in parameters or value is not parameters[name].default
    }
    return [*map(_argument, node.arguments.args), *([named] if named else [])]


def _is_tensors(argument: Any) -> bool:
    values = argument.values() if isinstance(argument, dict) else [argument]
    return all(value == _TENSOR for value in values)


def _argument(value: Any) -> Any:
    flat = keras.tree.flatten(value)
    if flat and all(isinstance(each, keras.KerasTensor) for each in flat):
        return _TENSOR
    marked = keras.tree.map_structure(
        lambda each: _TENSOR if isinstance(each, keras.KerasTensor) else each, value
    )
    return _folded(_plain(marked))


def _plain(config: Any) -> Any:
    """Return plain JSON data; what cannot be written is told by its type."""
    serialized = keras.saving.serialize_keras_object(config)
    text = json.dumps(serialized, default=lambda value: type(value).__name__)
    return canonical_config(json.loads(text))


def _chosen(cls: type | None, config: Mapping[str, Any]) -> dict[str, Any]:
    defaults = _defaults(cls)
    folded = {key: _folded(value) for key, value in sorted(config.items()) if key != "name"}
    return {key: value for key, value in folded.items() if not _is_default(key, value, defaults)}


def _folded(value: Any) -> Any:
    """Return a serialized object as its name, or as its name over what was chosen in it."""
    if isinstance(value, list):
        return [_folded(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if "class_name" not in value or "config" not in value:
        return {key: _folded(item) for key, item in sorted(value.items())}
    name, config = value["class_name"], value["config"]
    if name == "__lambda__":
        return f"lambda {digest.of_data(_bytecode(config))[:12]}"
    if name == "__slice__":
        return ":".join("" if config[k] is None else str(config[k]) for k in _SLICE)
    if not isinstance(config, Mapping):
        return config if name == "function" else {name: _folded(config)}
    if name == "DTypePolicy":
        return config["name"]
    inner = _chosen(_class(value), config)
    return {name: inner} if inner else name


def _bytecode(config: Mapping[str, Any]) -> list[Any]:
    """Return what a lambda does: its marshalled bytes also tell where it stands and who holds it.

    Of a layer it is `code`, of a loss or metric the first of `value`.
    """
    encoded, *rest = config["value"] if "value" in config else [config["code"]]
    bound = [config.get("defaults"), config.get("closure"), rest]
    return [_instructions(marshal.loads(base64.b64decode(encoded))), bound]  # noqa: S302, our own process made it


def _instructions(code: CodeType) -> list[Any]:
    constants = [
        _instructions(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts
    ]
    return [code.co_code.hex(), constants, code.co_names, code.co_varnames, code.co_freevars]


def _class(value: Mapping[str, Any]) -> type | None:
    module = sys.modules.get(str(value.get("module")))
    found = getattr(module, value["class_name"], None)
    return found if inspect.isclass(found) else None


def _defaults(cls: type | None) -> dict[str, Any]:
    """Return the defaults of a class's arguments; those of a subclass win."""
    found: dict[str, Any] = {}
    for each in reversed(cls.__mro__ if cls is not None else ()):
        if "__init__" in vars(each) and each is not object:
            parameters = inspect.signature(vars(each)["__init__"]).parameters.values()
            found |= {p.name: p.default for p in parameters if p.default is not p.empty}
    return found


def _is_default(key: str, value: Any, defaults: Mapping[str, Any]) -> bool:
    """Tell whether a folded value is what the class takes when nothing is said.

    Keras spells some defaults in its own way: None for nothing at all and for a linear activation,
    1 for strides of (1, 1), 'zeros' for Zeros.
    """
    if key in _GLOBAL and value == _GLOBAL[key]:
        return True
    if key not in defaults:
        return False
    default = defaults[key]
    default = list(default) if isinstance(default, tuple) else default
    if value == default:
        return True
    if default is None:
        return value in (False, "linear", {}, [])
    if isinstance(default, str) and isinstance(value, str):
        return _canonical(default) == _canonical(value)
    return isinstance(value, list) and bool(value) and all(each == default for each in value)


def _canonical(name: str) -> str:
    return name.replace("_", "").lower()


def _short(value: Any) -> Any:
    if len(json.dumps(value)) <= LONGEST:
        return value
    if isinstance(value, dict) and len(value) <= FEW:
        return {key: _short(item) for key, item in value.items()}
    size = f"{len(value)} {'entries' if isinstance(value, (list, dict)) else 'characters'}"
    return f"{size}, sha256 {digest.of_data(value)[:12]}"
