"""Frozen dataclasses to plain JSON data and back, and the one way that JSON is written for people.

A noun's fields are its file format: what `encode` writes, `decode` reads, and nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Mismatch(ValueError):
    """Data that does not fit the noun it is decoded into; the message starts with the path."""


def encode(value: Any) -> Any:
    """Return a noun as plain JSON data: mappings, lists, strings, numbers, booleans and None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def decode(noun: type[T], data: Any, path: str = "$") -> T:
    """Return the noun that `data` describes; raises Mismatch, naming the path, if it does not."""
    if not isinstance(data, Mapping):
        raise Mismatch(f"{path}: expected a mapping, found {type(data).__name__}")
    hints = typing.get_type_hints(noun)
    known = {f.name: f for f in dataclasses.fields(noun)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise Mismatch(f"{path}: unknown key {unknown[0]!r}")
    missing = [name for name, f in known.items() if name not in data and _required(f)]
    if missing:
        raise Mismatch(f"{path}: missing key {missing[0]!r}")
    values = {name: _decode(hints[name], data[name], f"{path}.{name}") for name in data}
    return noun(**values)


def dumps(value: Any) -> str:
    """Return JSON text as we commit it: sorted keys, two spaces, a final newline."""
    return json.dumps(encode(value), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _required(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _decode(hint: Any, data: Any, path: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return data
    if origin in (typing.Union, types.UnionType):
        if data is None and type(None) in arguments:
            return None
        return _decode(next(a for a in arguments if a is not type(None)), data, path)
    if origin is tuple:
        _expect(list, data, path)
        return tuple(_decode(arguments[0], item, f"{path}[{i}]") for i, item in enumerate(data))
    if origin is not None and issubclass(origin, Mapping):
        _expect(dict, data, path)
        return {key: _decode(arguments[1], item, f"{path}.{key}") for key, item in data.items()}
    if dataclasses.is_dataclass(hint):
        return decode(typing.cast("type[Any]", hint), data, path)
    if hint is float and type(data) is int:
        return float(data)
    _expect(hint, data, path)
    return data


def _expect(kind: type, data: Any, path: str) -> None:
    if type(data) is not kind:
        raise Mismatch(f"{path}: expected {kind.__name__}, found {type(data).__name__}")
