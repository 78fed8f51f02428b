"""TFLite's flatbuffers as trees: operators, tensors by name, buffers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from artifactbuild.worker.difference import tree


def differences(before: Path, after: Path) -> Iterator[str]:
    """Yield what differs between two models, tensors and operators before buffers."""
    trees = [_plain(schema.ModelT.InitFromPackedBuf(p.read_bytes())) for p in (before, after)]
    buffers = [each.pop("buffers") for each in trees]
    yield from tree.differences(trees[0], trees[1])
    yield from tree.differences(buffers[0], buffers[1], "buffers")


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        items = [_plain(item) for item in value]
        return tree.named(items, [_name(item) for item in value]) if items else items
    if isinstance(value, (np.ndarray, np.generic)) or not hasattr(value, "__dict__"):
        return value
    return {key: _plain(item) for key, item in vars(value).items()}


def _name(item: Any) -> str:
    name = getattr(item, "name", None)
    return name.decode() if isinstance(name, bytes) else ""
