"""`.keras` archives without clocks and addresses, their members in one order.

Keras stamps the time into the archive, writes the memory addresses of objects that are used more
than once into the configuration, and marshals lambdas with the path and line of their source.
"""

from __future__ import annotations

import base64
import json
import marshal
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

from artifactbuild.worker.canonical import Unknown

Members = dict[str, bytes]
"""What an archive holds: contents by name."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip member can have."""

DATE_SAVED = "1980-01-01@00:00:00"

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
"""What no step changes; it is copied piece by piece, since it may be large."""

PIECE = 1 << 20

_KNOWN = re.compile(
    r"(config|metadata|seed_generators)\.json|model\.weights\.h5|assets/.+", re.DOTALL
)
"""Keras' own members, and the one that we add."""


def check(members: Members) -> Members:
    """Raise Unknown on a member that no step looks into."""
    for name in members:
        if not _KNOWN.fullmatch(name):
            raise Unknown(f"the member {name!r}")
    return members


def forget_date(members: Members) -> Members:
    """Put a fixed date for the day on which the model was saved."""
    metadata = json.loads(members[METADATA])
    if "date_saved" in metadata:
        metadata["date_saved"] = DATE_SAVED
    return {**members, METADATA: json.dumps(metadata, sort_keys=True).encode()}


def forget_addresses(members: Members) -> Members:
    """Number shared objects, and take the place of their source from lambdas."""
    config = canonical_config(json.loads(members[CONFIG]))
    return {**members, CONFIG: json.dumps(config).encode()}


def sort(members: Members) -> Members:
    """Sort by name: Keras writes assets in the order of a directory."""
    return dict(sorted(members.items()))


STEPS: tuple[Callable[[Members], Members], ...] = (check, forget_date, forget_addresses, sort)


def rewrite(path: Path, added: Mapping[str, bytes] | None = None) -> None:
    """Give a `.keras` archive canonical bytes, with further members; twice changes nothing.

    Raises:
        Unknown: when it has a member that no step knows.
    """
    with zipfile.ZipFile(path) as source:
        large = source.getinfo(WEIGHTS)
        names = [name for name in source.namelist() if name != WEIGHTS]
        members = {name: source.read(name) for name in names} | {WEIGHTS: b"", **(added or {})}
        for step in STEPS:
            members = step(members)
        path.unlink()  # it stays readable for who has it open
        with zipfile.ZipFile(path, "x") as target:
            for name, content in members.items():
                if name == WEIGHTS:
                    _copy(source, target, large)
                else:
                    target.writestr(_dateless(name), content)


def _copy(source: zipfile.ZipFile, target: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Copy a member without having it in memory as a whole."""
    copy = _dateless(member.filename)
    copy.file_size = member.file_size  # tells, before it is written, whether it needs zip64
    with source.open(member) as reader, target.open(copy, "w") as writer:
        shutil.copyfileobj(reader, writer, PIECE)


def _dateless(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, date_time=EPOCH)
    member.create_system = 3
    member.external_attr = 0o100644 << 16
    return member


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


PLAIN = 2
"""The last version of marshal whose bytes do not depend on how often an object is referred to."""


def _code(encoded: str) -> str:
    """Return marshalled bytecode, as Keras encodes it, without file name and line number."""
    code = _placeless(marshal.loads(base64.b64decode(encoded)))  # noqa: S302, our own process made it
    return base64.b64encode(marshal.dumps(code, PLAIN)).decode("ascii") + "\n"


def _placeless(code: CodeType) -> CodeType:
    constants = tuple(_placeless(c) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(co_filename="<lambda>", co_firstlineno=1, co_consts=constants)
