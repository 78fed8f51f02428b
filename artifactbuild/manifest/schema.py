"""Hold a document against the published JSON Schema: every error in words, every default filled."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from referencing import Registry

from artifactbuild import resources
from artifactbuild.manifest import versions
from artifactbuild.manifest.text import Document
from artifactbuild.manifest.words import Finding, explain, fitting, resolved
from artifactbuild.problems import Problem

NAME = "model.artifact"

_EMPTY = {"name": "", "version": "", "formats": {}, "reference_inputs": []}
"""What no manifest is without, where it says nothing that could be looked up."""


def check(document: Document) -> tuple[Problem, ...]:
    """Find every place where the document breaks the schema, in the order of the file."""
    problems = {
        document.problem(finding.where, finding.message, finding.hint, at=finding.at)
        for finding in _findings(document)
        if finding.where not in document.reported
    }
    return tuple(
        sorted(problems, key=lambda each: (each.line or 0, each.column or 0, each.message))
    )


def sound(document: Document) -> dict[str, Any] | None:
    """Give what fits the schema of a document that breaks it.

    The entries at fault are left out; an empty one stands for each that no manifest is without.
    None without a factory, and where another version of the schema may mean something else.
    """
    if not isinstance(document.data, dict):
        return None
    broken = {finding.where[0] for finding in _findings(document) if finding.where}
    left = {key: value for key, value in document.data.items() if key not in broken}
    if "factory" not in left or "schema_version" in broken:
        return None
    return {**_EMPTY, **left}


def defaults(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give the data with the schema's defaults in the places that were left out."""
    filled: dict[str, Any] = _filled(_schema(), copy.deepcopy(dict(data)))
    return filled


def format_names() -> tuple[str, ...]:
    """List the formats in the schema's order."""
    return tuple(_schema()["properties"]["formats"]["properties"])


def _findings(document: Document) -> Iterator[Finding]:
    if isinstance(document.data, dict):
        for error in _validator().iter_errors(document.data):
            for finding in explain(document, error, _validator()):
                yield _with_version(document, finding)


def _with_version(document: Document, finding: Finding) -> Finding:
    """Return a finding, of a version with the one that was probably meant."""
    if finding.where != ("version",):
        return finding
    found = document.data["version"]
    written = document.plain.get(finding.where, found)
    hint = versions.hint(written if isinstance(written, str) else None)
    own = hint == versions.EXAMPLE and finding.hint.startswith("for example ")
    return finding if own else replace(finding, hint=hint)


def _filled(schema: Any, data: Any) -> Any:
    schema = resolved(schema, _schema())
    if data is None and {"object", "null"} <= set(schema.get("type", ())):
        data = {}
    for branch in _branches(schema, data):
        data = _filled(branch, data)
    if isinstance(data, list):
        return [_filled(schema.get("items", {}), entry) for entry in data]
    if isinstance(data, dict):
        return _filled_object(schema, data)
    return data


def _filled_object(schema: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    for key, rule in properties.items():
        if key not in data and "default" in (known := resolved(rule, _schema())):
            data[key] = copy.deepcopy(known["default"])
    others = schema.get("additionalProperties", {})
    return {key: _filled(properties.get(key, others), value) for key, value in data.items()}


def _branches(schema: dict[str, Any], data: Any) -> Iterator[Any]:
    for keyword in ("oneOf", "anyOf"):
        choices = schema.get(keyword, [])
        for index in fitting(choices, data, _schema()):
            yield choices[index]
    if "if" in schema:
        applies = _validator().evolve(schema=schema["if"]).is_valid(data)
        yield schema.get("then" if applies else "else", {})


def _schema() -> dict[str, Any]:
    return resources.schema(NAME)


@functools.cache
def _validator() -> Any:
    # A JSON Schema pattern is a search, and its 1.0 is an integer; neither is so here.
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
    extend: Any = validators.extend
    strict = extend(Draft202012Validator, validators={"pattern": _pattern}, type_checker=types)
    return strict(_schema(), registry=Registry())


def _is_integer(_checker: Any, instance: object) -> bool:
    return isinstance(instance, int) and not isinstance(instance, bool)


def _pattern(
    _validator: Any, pattern: str, instance: object, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re.fullmatch(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")
