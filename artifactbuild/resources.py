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
    found: dict[str, Any] = json.loads(schema_file(name).read_text(encoding="utf-8"))
    return found


def schema_file(name: str) -> Path:
    """Give the file of one of our JSON Schemas."""
    return _folder("schemas") / f"{name}.schema.json"


def templates() -> Path:
    """Give the folder of the built-in templates."""
    return _folder("templates")


def card_template() -> Path:
    """Give the template that cards are rendered from where a manifest names none."""
    return templates() / "MODEL_CARD.md.j2"


def _folder(name: str) -> Path:
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
