"""Turn the errors of a JSON Schema validator into what a person would say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from artifactbuild.manifest.text import Document, Where
from artifactbuild.problems import did_you_mean, meant

Schema = dict[str, Any]
Fault = Any  # a ValidationError of jsonschema, by whose types everything may be unset
Validator = Any  # of jsonschema
NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "a boolean",
    "null": "null",
}
INTEGRAL = ("number", "integer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong at a path, and the repair."""

    where: Where
    message: str
    hint: str = ""
    at: Literal["value", "key"] = "value"


def explain(document: Document, error: Fault, validator: Validator) -> Iterator[Finding]:
    """Say one error of the validator in words; a choice by the branch that was meant."""
    where = tuple(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        yield _bad_key(error, where)
    elif error.validator in ("anyOf", "oneOf"):
        yield from _choice(document, error, where, validator)
    elif error.validator == "type":
        yield _wrong_type(document, error, where, validator)
    else:
        yield from EXPLAINED.get(str(error.validator), _other)(document, error, where)


def resolved(schema: Any, root: Schema) -> Schema:
    """Follow the references of a schema inside its own file; what stands beside them wins."""
    if not isinstance(schema, dict):
        return {}
    found: Schema = schema
    while "$ref" in found:
        beside = {key: value for key, value in found.items() if key != "$ref"}
        found = {**root["$defs"][found["$ref"].rpartition("/")[2]], **beside}
    return found


def fitting(branches: Sequence[Any], instance: Any, root: Schema) -> tuple[int, ...]:
    """Give the branches that the instance was meant for: of its type, with their first key."""
    return tuple(
        index for index, branch in enumerate(branches) if _fits(resolved(branch, root), instance)
    )


def _fits(branch: Schema, instance: Any) -> bool:
    kind, leading = branch.get("type"), branch.get("required", [])[:1]
    typed = kind is None or kind == _kind(instance) or (kind, _kind(instance)) == INTEGRAL
    return typed and (not isinstance(instance, dict) or all(key in instance for key in leading))


def _choice(
    document: Document, error: Fault, where: Where, validator: Validator
) -> Iterator[Finding]:
    branches, instance, root = error.validator_value, error.instance, validator.schema
    meant = fitting(branches, instance, root)
    leading = [resolved(branch, root).get("required", [""])[0] for branch in branches]
    if len(meant) == 1:
        for inner in error.context or ():
            if inner.relative_schema_path[0] == meant[0]:
                yield from explain(document, inner, validator)
    elif not isinstance(instance, dict):
        return  # its type is an error of its own
    elif meant:
        chosen = {leading[index] for index in meant}
        first, second = [key for key in instance if key in chosen][:2]
        message = f"{first!r} and {second!r} exclude each other"
        yield Finding(where=(*where, second), message=message, hint="keep one of them", at="key")
    else:
        yield _none_of(where, instance, leading, error.schema)


def _none_of(where: Where, instance: Any, leading: list[str], schema: Any) -> Finding:
    noun = schema.get("x-noun", "key")
    for key in instance:
        if guess := did_you_mean(key, leading):
            hint = f"{guess} {noun}s are: {', '.join(sorted(leading))}"
            return Finding(
                where=(*where, key), message=f"unknown {noun} {key!r}", hint=hint, at="key"
            )
    message = f"{_label(where)} has no {noun}"
    return Finding(where=where, message=message, hint=f"add one of: {', '.join(sorted(leading))}")


def _bad_key(error: Fault, where: Where) -> Finding:
    while error.parent is not None and error.parent.validator in ("anyOf", "oneOf"):
        error = error.parent
    message = f"key {error.instance!r} is not taken, {_expected(error.schema)}"
    return Finding(where=(*where, error.instance), message=message, hint="rename it", at="key")


def _unknown_keys(_document: Document, error: Fault, where: Where) -> Iterator[Finding]:
    schema = error.schema
    known, noun = list(schema.get("properties", {})), schema.get("x-noun")
    listed = f"{f'{noun}s' if noun else 'keys here'} are: {', '.join(sorted(known))}"
    for key in error.instance:
        if key not in known:
            guess = meant(key, known, error.instance)
            advice = schema.get("errorMessage", "")
            hint = "" if guess or advice.startswith("expected ") else advice
            yield Finding(
                where=(*where, key),
                message=f"unknown {noun or 'key'} {key!r}",
                hint=hint or f"{guess} {listed}".strip(),
                at="key",
            )


def _missing_keys(_document: Document, error: Fault, where: Where) -> Iterator[Finding]:
    schema = error.schema
    rules = schema.get("properties", {})
    unknown = [key for key in error.instance if key not in rules]
    guesses = {did_you_mean(key, rules) for key in unknown}
    for key in error.validator_value:
        if key not in error.instance and f"did you mean {key!r}?" not in guesses:
            inside = f" in {_label(where)}" if where else ""
            hint = _addition(key, rules.get(key, {}))
            yield Finding(where=where, message=f"missing key {key!r}{inside}", hint=hint)


def _addition(key: str, schema: Schema) -> str:
    example = _example(schema)
    if example:
        return f"add '{key}: {example}' ({schema['description']})"
    description = f" ({schema['description']})" if "description" in schema else ""
    return f"add '{key}'{description}"


def _example(schema: Schema) -> str:
    given = [schema["const"]] if "const" in schema else schema.get("examples", [""])
    return given[0] if isinstance(given[0], str) else json.dumps(given[0])


def _wrong_type(document: Document, error: Fault, where: Where, validator: Validator) -> Finding:
    kinds = error.validator_value
    kinds = [kinds] if isinstance(kinds, str) else kinds
    expected = " or ".join(NAMES[kind] for kind in kinds)
    value = error.instance
    if value is None:
        found = "empty"
    elif isinstance(value, (dict, list)):
        found = NAMES[_kind(value)]
    else:
        found = f"{_shown(document, where, value)} ({NAMES[_kind(value)]})"
    message = f"{_label(where)} is {found}, expected {expected}"
    hint = _retyping(document, error, where, validator, kinds)
    return Finding(where=where, message=message, hint=hint or f"write {expected} here")


def _retyping(
    document: Document, error: Fault, where: Where, validator: Validator, kinds: Sequence[str]
) -> str:
    """Return the value as it was meant, if the schema takes it so, else what it shows."""
    value, taken = error.instance, validator.evolve(schema=error.schema).is_valid
    for data, written in _retyped(value, document.plain.get(where, value), kinds):
        if taken(data):
            return f"write {_before(where)}{written}"
    return _advice(error.schema, where)


def _retyped(value: Any, written: Any, kinds: Sequence[str]) -> Iterator[tuple[Any, str]]:
    """Yield what may have been meant by a value of the wrong type, and how it is written."""
    if value is None or isinstance(value, dict):
        return
    if "string" in kinds and not isinstance(value, list):
        yield str(written), f"'{written}'"
    if isinstance(value, float) and value.is_integer() and "integer" in kinds:
        yield int(value), str(int(value))
    if isinstance(value, str) and _reads_as(value, kinds):
        yield json.loads(value), f"{value} without quotes"
    if "array" in kinds and not isinstance(value, list):
        yield [value], f"[{written}]"


def _before(where: Where) -> str:
    return f"{where[-1]}: " if where and isinstance(where[-1], str) else ""


def _advice(schema: Schema, where: Where) -> str:
    """Return what a value may be, as far as the schema shows it."""
    if "x-hint" in schema:
        return str(schema["x-hint"])
    example = _example(schema)
    return f"for example {_before(where)}{example}" if example else ""


def _reads_as(text: str, kinds: Sequence[str]) -> bool:
    try:
        kind = _kind(json.loads(text))
    except ValueError:
        return False
    return kind in kinds or (kind == "integer" and "number" in kinds)


def _enum(document: Document, error: Fault, where: Where) -> Iterator[Finding]:
    schema = error.schema
    known, noun = [str(each) for each in error.validator_value], schema.get("x-noun")
    if not isinstance(error.instance, str):
        return  # its type is an error of its own
    siblings = document.data_at(where[:-1])
    guess = meant(error.instance, known, siblings if isinstance(siblings, list) else ())
    message = f"unknown {noun or _label(where)} {error.instance!r}"
    hint = f"{guess} {noun or 'value'}s are: {', '.join(sorted(known))}".strip()
    yield Finding(where=where, message=message, hint=hint)


def _const(document: Document, error: Fault, where: Where) -> Iterator[Finding]:
    if error.instance is None or isinstance(error.instance, (dict, list)):
        yield from _other(document, error, where)
        return
    value = json.dumps(error.validator_value)
    message = f"{_label(where)} is {_shown(document, where, error.instance)}, expected {value}"
    yield Finding(where=where, message=message, hint=f"write {where[-1]}: {value}")


def _bound(words: str) -> Callable[[Document, Fault, Where], Iterator[Finding]]:
    def said(document: Document, error: Fault, where: Where) -> Iterator[Finding]:
        limit, shown = error.validator_value, _shown(document, where, error.instance)
        message = f"{_label(where)} is {shown}, expected {words} {limit}"
        yield Finding(where=where, message=message, hint=f"write a number that is {words} {limit}")

    return said


def _count(words: str) -> Callable[[Document, Fault, Where], Iterator[Finding]]:
    def said(_document: Document, error: Fault, where: Where) -> Iterator[Finding]:
        schema = error.schema
        limit, found = error.validator_value, len(error.instance)
        unit = "character" if isinstance(error.instance, str) else "entry"
        fixed = schema.get("minItems") == schema.get("maxItems", "none")
        expected = f"{'exactly' if fixed else words} {limit}"
        message = f"{_label(where)} has {_counted(found, unit)}, expected {expected}"
        yield Finding(where=where, message=message, hint=_few_or_many(schema, found, limit))

    return said


def _few_or_many(schema: Any, found: int, limit: int) -> str:
    if "errorMessage" in schema and "properties" in schema:
        return str(schema["errorMessage"])
    if known := schema.get("properties"):
        return f"add one of: {', '.join(sorted(known))}"
    return "add what is missing" if found < limit else "shorten it"


def _counted(number: int, unit: str) -> str:
    plural = {"entry": "entries"}.get(unit, f"{unit}s")
    return f"{number or 'no'} {unit if number == 1 else plural}"


def _repeated(document: Document, error: Fault, where: Where) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, value in enumerate(error.instance):
        if repr(value) in seen:
            shown = _shown(document, (*where, index), value)
            message = f"{_label(where)} has {shown} twice"
            yield Finding(where=(*where, index), message=message, hint="remove one of the two")
        seen.add(repr(value))


def _other(document: Document, error: Fault, where: Where) -> Iterator[Finding]:
    schema = error.schema
    shown = _shown(document, where, error.instance)
    hint = _colon(error, where) or _advice(schema, where)
    yield Finding(
        where=where, message=f"{_label(where)} is {shown}, {_expected(schema)}", hint=hint
    )


def _colon(error: Fault, where: Where) -> str:
    """Return the hint for a name in a module that is written with a dot for the colon."""
    if error.validator != "pattern" or ":" in error.instance or ":" not in _example(error.schema):
        return ""
    meant = ":".join(error.instance.rsplit(".", 1))
    fits = re.fullmatch(error.validator_value, meant)
    return f"write {_before(where)}{meant}" if fits else ""


EXPLAINED: dict[str, Callable[[Document, Fault, Where], Iterator[Finding]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
    "enum": _enum,
    "const": _const,
    "minimum": _bound("at least"),
    "maximum": _bound("at most"),
    "exclusiveMinimum": _bound("more than"),
    "exclusiveMaximum": _bound("less than"),
    "minLength": _count("at least"),
    "maxLength": _count("at most"),
    "minItems": _count("at least"),
    "maxItems": _count("at most"),
    "minProperties": _count("at least"),
    "maxProperties": _count("at most"),
    "uniqueItems": _repeated,
}


def _expected(schema: Any) -> str:
    fallback = f"expected {schema.get('description', 'something else')}"
    return str(schema.get("errorMessage", fallback))


def _label(where: Where) -> str:
    if not where:
        return "the manifest"
    names = [index for index, part in enumerate(where) if isinstance(part, str)]
    start = names[-1] if names else 0
    return str(where[start]) + "".join(f"[{part}]" for part in where[start + 1 :])


def _shown(document: Document, where: Where, value: Any) -> str:
    if isinstance(value, (dict, list)):
        return NAMES[_kind(value)]
    shown = repr(value) if isinstance(value, str) else document.plain.get(where, repr(value))
    return shown if len(shown) <= 60 else f"{shown[:40]}…{shown[-10:]}"


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    kinds = {dict: "object", list: "array", str: "string", int: "integer", float: "number"}
    return kinds[type(value)]
