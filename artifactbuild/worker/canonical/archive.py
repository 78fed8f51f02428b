"""`.keras` archives with constant dates, sorted members and object ids counted from zero."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip member can have."""

DATE_SAVED = "1980-01-01@00:00:00"


def rewrite(path: Path) -> None:
    """Give a `.keras` archive canonical bytes; doing it twice changes nothing."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in sorted(archive.namelist())}
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
    return json.dumps(with_small_ids(json.loads(content)), sort_keys=False).encode()


def with_small_ids(config: Any) -> Any:
    """Return a Keras config whose `shared_object_id`s, memory addresses, are small numbers.

    They are numbered from zero by first appearance.
    """
    return _renumbered(config, {})


def _renumbered(value: Any, ids: dict[int, int]) -> Any:
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
