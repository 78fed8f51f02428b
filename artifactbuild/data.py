"""Frozen dataclasses to plain JSON data and back, and the one way that JSON is read and written.

A noun's fields are its file format: what `encode` writes, `decode` reads, and nothing else.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from artifactbuild.visible import visible

T = TypeVar("T")

Types = tuple[type, ...]
LATER: Mapping[str, bool] = {"later": True}
"""Metadata of a field that was added later: it is not written while it has its default.

So files that do not need it keep their bytes.
"""

MAX_DEPTH = 64
"""How deep JSON may be nested: ten times what any file of ours is."""


MAX_DIGITS = 40
"""How many digits a whole number may have; a float can still hold what is counted with it."""


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
    hints = _hints(typing.cast("Any", noun))
    known = {f.name: f for f in dataclasses.fields(noun)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise Mismatch(f"{path}: unknown key {unknown[0]!r}")
    missing = [name for name, f in known.items() if name not in data and _required(f)]
    if missing:
        raise Mismatch(f"{path}: missing key {missing[0]!r}")
    values = {name: _decode(hints[name], data[name], f"{path}.{name}") for name in data}
    return noun(**values)


def prepare(noun: type[Any]) -> None:
    """Work out the types of a noun's fields, and of the nouns in them, before they are decoded."""
    for hint in _hints(typing.cast("Any", noun)).values():
        for inner in _nouns(hint):
            prepare(inner)


def loads(raw: bytes, *, depth: int = MAX_DEPTH, finite: bool = True) -> Any:
    """Return the JSON data of bytes that may be hostile.

    Without `finite`, numbers may be infinite or NaN, as in configurations of Keras.

    Raises:
        Mismatch: for what is not JSON in UTF-8, and for what readers of JSON disagree on: keys
            that are there twice, numbers that are not finite, halves of characters, deep nesting.
    """
    try:
        data = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_not_finite if finite else float,
            parse_float=_finite if finite else float,
            parse_int=_integer,
        )
    except Mismatch:
        raise
    except UnicodeDecodeError as error:
        raise Mismatch(f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise Mismatch(f"nested more than {depth} deep") from None
    except json.JSONDecodeError as error:
        raise Mismatch(str(error)) from None
    except ValueError:
        raise Mismatch("a number has too many digits") from None
    _hold_within_bounds(data, depth)
    return data


def dumps(value: Any, *, ordered: Types = (), lines: Types = ()) -> str:
    """Return JSON text as we commit it: sorted keys, two spaces, a final newline.

    Nouns of the types in `ordered` keep the order of their fields. So do those in `lines`, and each
    is a single line, without the fields that say no more than their default: one that changes is
    one line of a diff.
    """
    return _text(value, "\n", ordered, lines) + "\n"


def _text(value: Any, newline: str, ordered: Types, lines: Types) -> str:
    if type(value) in lines:
        return _quoted(_said(value))
    deeper = newline + "  "
    if isinstance(value, (list, tuple)):
        return _block("[]", [_text(item, deeper, ordered, lines) for item in value], newline)
    if not isinstance(value, Mapping) and not dataclasses.is_dataclass(value):
        return _quoted(value)
    pairs = _pairs(value) if type(value) in ordered else sorted(_pairs(value))
    items = [f"{_quoted(key)}: {_text(item, deeper, ordered, lines)}" for key, item in pairs]
    return _block("{}", items, newline)


def _quoted(value: Any) -> str:
    """Return JSON in which every character can be seen: the others are escapes."""
    text = json.dumps(value, ensure_ascii=False)
    if visible(text) == text:
        return text
    return "".join(char if visible(char) == char else json.dumps(char)[1:-1] for char in text)


def _block(brackets: str, items: list[str], newline: str) -> str:
    if not items:
        return brackets
    inner = f"{newline}  " + f",{newline}  ".join(items)
    return f"{brackets[0]}{inner}{newline}{brackets[1]}"


def _pairs(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(str(key), item) for key, item in value.items()]
    fields = dataclasses.fields(value)
    pairs = [(each, getattr(value, each.name)) for each in fields]
    return [(f.name, item) for f, item in pairs if f.metadata != LATER or item != _default(f)]


def _said(noun: Any) -> dict[str, Any]:
    """Return the fields that say more than their default, mappings in them sorted."""
    values = {f.name: getattr(noun, f.name) for f in dataclasses.fields(noun)}
    said = {f.name for f in dataclasses.fields(noun) if values[f.name] != _default(f)}
    plain = {name: encode(value) for name, value in values.items() if name in said}
    return {key: json.loads(json.dumps(item, sort_keys=True)) for key, item in plain.items()}


def _default(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise Mismatch(f"the key {next(k for k in keys if keys.count(k) > 1)!r} is there twice")
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise Mismatch("a number has too many digits")
    return int(text)


def _not_finite(text: str) -> float:
    raise Mismatch(f"{text} is no finite number")


def _finite(text: str) -> float:
    return float(text) if math.isfinite(float(text)) else _not_finite(text)


def _hold_within_bounds(data: Any, deepest: int) -> None:
    pending = [(data, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > deepest:
            raise Mismatch(f"nested more than {deepest} deep")
        if isinstance(value, str) and not value.isascii() and _is_broken(value):
            raise Mismatch(f"the text {value[:40]!r} has half a character")
        if isinstance(value, dict):
            pending += [(item, depth + 1) for pair in value.items() for item in pair]
        elif isinstance(value, list):
            pending += [(item, depth + 1) for item in value]


def _is_broken(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


@functools.cache
def _hints(noun: type[Any]) -> dict[str, Any]:
    """Return the types of a noun's fields; to evaluate them anew took most of the time."""
    return typing.get_type_hints(noun)


def _nouns(hint: Any) -> list[type[Any]]:
    """Return the nouns in a type: its own, and those of its arguments."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return [hint]
    return [noun for argument in typing.get_args(hint) for noun in _nouns(argument)]


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
