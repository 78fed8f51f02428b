"""`.keras` archives with constant dates, sorted members and object ids counted from zero."""

from __future__ import annotations

import base64
import json
import marshal
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import CodeType
from typing import Any

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip member can have."""

DATE_SAVED = "1980-01-01@00:00:00"


def rewrite(path: Path, added: Mapping[str, bytes] | None = None) -> None:
    """Give a `.keras` archive canonical bytes, with further members; twice changes nothing."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members = dict(sorted({**members, **(added or {})}.items()))
    members["config.json"] = _config(members["config.json"])
    members["metadata.json"] = _metadata(members["metadata.json"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(_member(name), content)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, date_time=EPOCH)
    member.create_system = 3
    member.external_attr = 0o100644 << 16
    return member


def _metadata(content: bytes) -> bytes:
    metadata = json.loads(content)
    if "date_saved" in metadata:
        metadata["date_saved"] = DATE_SAVED
    return json.dumps(metadata, sort_keys=True).encode()


def _config(content: bytes) -> bytes:
    return json.dumps(canonical_config(json.loads(content)), sort_keys=False).encode()


def canonical_config(config: Any) -> Any:
    """Return a Keras config without what is of this machine or moment.

    `shared_object_id`s, memory addresses, are numbered from zero by first appearance; the bytecode
    of lambdas loses the path and the line of its source.
    """
    return _renumbered(config, {})


def _renumbered(value: Any, ids: dict[int, int]) -> Any:
    if isinstance(value, dict) and value.get("class_name") == "__lambda__":
        return {**value, "config": _lambda(value["config"])}
    if isinstance(value, dict):
        return {
            key: ids.setdefault(item, len(ids))
            if key == "shared_object_id"
            else _renumbered(item, ids)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_renumbered(item, ids) for item in value]
    return value


def _lambda(config: dict[str, Any]) -> dict[str, Any]:
    """Return a lambda's configuration, of a layer (`code`) or of a loss or metric (`value`)."""
    if "code" in config:
        return {**config, "code": _code(config["code"])}
    code, *rest = config["value"]
    return {**config, "value": [_code(code), *rest]}


def _code(encoded: str) -> str:
    """Return marshalled bytecode, as Keras encodes it, without file name and line number."""
    code = _placeless(marshal.loads(base64.b64decode(encoded)))  # noqa: S302, our own process made it
    return base64.b64encode(marshal.dumps(code)).decode("ascii") + "\n"


def _placeless(code: CodeType) -> CodeType:
    constants = tuple(_placeless(c) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(co_filename="<lambda>", co_firstlineno=1, co_consts=constants)
