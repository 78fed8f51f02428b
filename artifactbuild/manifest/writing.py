"""A manifest's data to the text that a person goes on editing: one remark above each key.

The remarks are the schema's own descriptions, so that a manifest and its reference never differ.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artifactbuild import resources
from artifactbuild.manifest import scalars, schema
from artifactbuild.manifest.words import resolved
from artifactbuild.problems import Problem, Refusal
from artifactbuild.visible import visible

WIDTH = 98
TYPED = frozenset(("n", "no", "off", "on", "y", "yes"))
"""What YAML 1.1 takes for a boolean."""

CHECKED = ("optimizer", "loss", "metrics")
"""What of a model's training is known from the model itself."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]*(?<!:)( [A-Za-z0-9_.:/-]+(?<!:))*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """What is said beside the schema's words: of formats left out, and of inputs."""

    left_out: Mapping[str, str] = field(default_factory=dict)
    """Format -> why it cannot hold this model."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Input -> where its reference values come from."""


def text(data: Mapping[str, Any], remarks: Remarks) -> str:
    """Return the YAML of a manifest; reading it gives `data` again."""
    root = resources.schema(schema.NAME)
    blocks = []
    for key, rule in root["properties"].items():
        if key in data:
            lines = [*_remark(resolved(rule, root)["description"]), *_entry(key, data, remarks)]
            blocks.append("\n".join(lines))
    others = [key for key in root["properties"] if key not in data]
    blocks.append("\n".join(_remark(f"keys that are left out here: {', '.join(others)}")))
    return "\n\n".join(blocks) + "\n"


def create(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, whole or not at all; raises Refusal if it is there."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.link(temporary, path)  # unlike a rename, it never replaces
    except FileExistsError:
        raise Refusal(Problem(file=str(path), message="appeared meanwhile; it stays")) from None
    finally:
        os.unlink(temporary)


def flow(value: Any) -> str:
    """Return plain data on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        return value if _is_plain(value) else _quoted(value)
    return json.dumps(value)


def _entry(key: str, data: Mapping[str, Any], remarks: Remarks) -> list[str]:
    if key == "formats":
        return [f"{key}:", *_formats(data[key], remarks)]
    if key == "reference_inputs":
        return [f"{key}:", *_cases(data[key], remarks)]
    if key == "metadata":
        return [f"{key}:", *_metadata(data[key])]
    if isinstance(data[key], list):
        return [f"{key}:", *(f"  - {flow(item)}" for item in data[key])]
    return [f"{key}: {flow(data[key])}"]


def _formats(requested: Mapping[str, Any], remarks: Remarks) -> Iterator[str]:
    root = resources.schema(schema.NAME)
    for name in schema.format_names():
        if name in requested:
            yield from _remark(root["$defs"][name]["description"], 2)
            yield f"  {name}: {flow(requested[name])}"
        elif name in remarks.left_out:
            yield from _remark(f"left out: {remarks.left_out[name]}", 2)


def _cases(cases: list[Mapping[str, Any]], remarks: Remarks) -> Iterator[str]:
    for name, why in remarks.inputs.items():
        yield from _remark(f"{name}: {why}", 2)
    for case in cases:
        yield f"  - name: {flow(case['name'])}"
        for key in case:
            yield from _generator(key, case[key]) if key != "name" else ()


def _generator(name: str, made: Mapping[str, Any]) -> Iterator[str]:
    """Yield a generator on one line; literal rows that are too long for it, one a line."""
    line = f"    {name}: {flow(made)}"
    if len(line) <= WIDTH or "values" not in made:
        yield line
        return
    yield f"    {name}:"
    yield "      values:"
    yield from (f"        - {flow(row)}" for row in made["values"])


def _metadata(metadata: Mapping[str, Any]) -> Iterator[str]:
    rules = resources.schema(schema.NAME)["properties"]["metadata"]["properties"]
    for key, rule in rules.items():
        yield from _remark(rule["description"], 2)
        if key in metadata:
            yield f"  {key}: {flow(metadata[key])}"
        else:
            yield f"  # {key}: {flow(_example(rule))}"


def _example(rule: Mapping[str, Any]) -> Any:
    """Return the schema's example of a key, without what is filled in from the model."""
    return {key: value for key, value in rule["examples"][0].items() if key not in CHECKED}


def _remark(words: str, indent: int = 0) -> list[str]:
    before = f"{' ' * indent}# "
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=before,
        subsequent_indent=before,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _is_plain(value: str) -> bool:
    """Tell whether a string needs no quotes, for our reader and for those of YAML 1.1."""
    if not _PLAIN.fullmatch(value) or value.lower() in TYPED:
        return False
    try:
        return scalars.resolve(value) == value
    except scalars.Refused:
        return False


def _quoted(value: str) -> str:
    """Return a double-quoted scalar; JSON's escapes and Python's are YAML's."""
    return visible(json.dumps(value, ensure_ascii=False))
