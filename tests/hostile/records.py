"""Hostile records, and folders that pose as artifacts: level 1 refuses each before it is opened."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.hostile.ground import Ground

Make = Callable[[Ground, Path], None]


def _text(folder: Path, old: str, new: str) -> None:
    path = folder / "metadata.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def _data(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "metadata.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def _listed(name: str) -> Make:
    def make(at: Ground, folder: Path) -> None:
        entry = {"sha256": "0" * 64, "size": 1}
        _data(folder, lambda data: data["files"].update({name: entry}))

    return make


def _said(key: str, value: Any) -> Make:
    return lambda at, folder: _data(folder, lambda data: data.update({key: value}))


def _huge(at: Ground, folder: Path) -> None:
    os.truncate(folder / "metadata.json", 10 << 30)


def _pipe(at: Ground, folder: Path) -> None:
    (folder / "metadata.json").unlink()
    os.mkfifo(folder / "metadata.json")


def _link(at: Ground, folder: Path) -> None:
    (folder / "metadata.json").unlink()
    (folder / "metadata.json").symlink_to(at.canary)


def _payload_link(at: Ground, folder: Path) -> None:
    (folder / "model.keras").unlink()
    (folder / "model.keras").symlink_to(at.canary)


def _folder_link(at: Ground, folder: Path) -> None:
    (folder / "assets").symlink_to(at.canary.parent)


def _hard_link(at: Ground, folder: Path) -> None:
    (folder / "model.keras").unlink()
    os.link(at.canary, folder / "model.keras")


def _not_text(at: Ground, folder: Path) -> None:
    (folder / "metadata.json").write_bytes(b'{"record_version": 1, "notes": "\xff"}')


CASES: Mapping[str, Make] = {
    "key_twice": lambda at, folder: _text(folder, '"seed": 1', '"seed": 1, "seed": 2'),
    "not_a_number": lambda at, folder: _text(folder, '"atol": 0.0', '"atol": NaN'),
    "infinite": lambda at, folder: _text(folder, '"atol": 0.0', '"atol": 1e999'),
    "half_a_character": lambda at, folder: _text(folder, '"notes": ""', '"notes": "\\ud800"'),
    "number_of_many_digits": lambda at, folder: _text(
        folder, '"seed": 1', '"seed": ' + "1" * 100_000
    ),
    "nested": lambda at, folder: (folder / "metadata.json").write_text("[" * 1_000_000) and None,
    "nested_a_little": _said("data", json.loads("[" * 90 + "]" * 90)),
    "not_text": _not_text,
    "huge": _huge,
    "pipe": _pipe,
    "link": _link,
    "another_version": _said("record_version", 2),
    "version_as_truth": _said("record_version", True),
    "wrong_type": _said("seed", "1"),
    "unknown_key": _said("__class__", "x"),
    "leaves_the_folder": _listed("../../../canary"),
    "absolute": _listed("/etc/passwd"),
    "backslash": _listed("..\\canary"),
    "invisible_name": _listed("model.keras\u200b"),
    "same_name_in_capitals": _listed("MODEL.KERAS"),
    "lists_itself": _listed("metadata.json"),
    "payload_is_a_link": _payload_link,
    "folder_is_a_link": _folder_link,
    "payload_is_a_hard_link": _hard_link,
}
