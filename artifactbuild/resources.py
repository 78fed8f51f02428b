"""Find `schemas/` and `templates/`: inside the installed package, or at the top of a checkout."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """Read one of our JSON Schemas; `model.artifact` is `schemas/model.artifact.schema.json`."""
    text = (_folder("schemas") / f"{name}.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def templates() -> Path:
    """Give the folder of the built-in templates."""
    return _folder("templates")


def _folder(name: str) -> Path:
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
