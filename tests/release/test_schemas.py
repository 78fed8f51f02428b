"""The published schemas of our own files are those of the nouns that read and write them.

`pytest tests/release/test_schemas.py --update-golden` writes them anew.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from artifactbuild.data import LATER, dumps
from artifactbuild.pipeline import Outcome
from artifactbuild.release.lock import LINES, Lock
from artifactbuild.release.record import Record

ROOT = Path(__file__).parents[2]
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}
FILES = {"metadata": (Record, "metadata.json"), "lock": (Lock, "model.artifact.lock")}


def schema_of(noun: Any) -> dict[str, Any]:
    """Return the JSON Schema of a noun, one definition per dataclass."""
    definitions: dict[str, Any] = {}
    top = _object(noun, definitions)
    return {**top, "$defs": definitions}


def _object(noun: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(noun)
    fields = dataclasses.fields(noun)
    return {
        "type": "object",
        "description": (inspect.getdoc(noun) or "").splitlines()[0],
        "additionalProperties": False,
        "properties": {f.name: _type(hints[f.name], definitions) for f in fields},
        "required": sorted(
            f.name
            for f in fields
            if not (_has_default(f) and (noun in LINES or f.metadata == LATER))
        ),
    }


def _has_default(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def _type(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return {}
    if origin in (typing.Union, types.UnionType):
        inner = next(a for a in arguments if a is not type(None))
        if inner in PLAIN:
            return {"type": [PLAIN[inner], "null"]}
        return {"anyOf": [_type(inner, definitions), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _type(arguments[0], definitions)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _type(arguments[1], definitions)}
    if dataclasses.is_dataclass(hint):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}
            definitions[hint.__name__] = _object(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return {"type": PLAIN[hint]}


@pytest.mark.parametrize("name", FILES)
def test_schema_is_that_of_the_noun(name: str, update_golden: bool) -> None:
    noun, file = FILES[name]
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:artifactbuild:{name}:1",
        "title": file,
        **schema_of(noun),
    }
    Draft202012Validator.check_schema(schema)
    path = ROOT / "schemas" / f"{name}.schema.json"
    if update_golden:
        path.write_text(dumps(schema), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == dumps(schema)


def test_files_of_a_real_build_fit_their_schemas(
    copied: Callable[[Path], Path], build: Callable[[Path], Outcome]
) -> None:
    manifest = copied(ROOT / "tests" / "samples" / "dense")
    build(manifest)
    written = {
        "metadata": sorted(Path("artifacts").glob("*/*/*/metadata.json")),
        "lock": [manifest.with_suffix(".lock")],
    }
    assert [len(paths) for paths in written.values()] == [4, 1]
    for name, paths in written.items():
        schema = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text())
        for path in paths:
            Draft202012Validator(schema).validate(json.loads(path.read_text()))
