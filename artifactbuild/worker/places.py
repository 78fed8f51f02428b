"""Places of this machine in a model's configuration, where nobody else would find anything."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any


def fault(config: Any) -> str:
    """Say which layer keeps an absolute path of something that lies there; empty if none does."""
    for name, path in _paths(config, "the model"):
        return (
            f"the configuration of {name} has the path {path!r}, which is of this machine: give "
            "what is in the file instead, such as a vocabulary as a list"
        )
    return ""


def _paths(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield the innermost named object around each absolute path, and the path."""
    if isinstance(value, str):
        if os.path.isabs(value) and os.path.lexists(value) and value != os.sep:
            yield name, value
    elif isinstance(value, Mapping):
        own = value.get("name")
        name = repr(own) if isinstance(own, str) else name
        for each in value.values():
            yield from _paths(each, name)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _paths(each, name)
