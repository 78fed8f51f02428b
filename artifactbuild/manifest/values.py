"""What expressions give, as far as their text tells: constants, paths, tests of files."""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

UNKNOWN = object()


def name_of(node: ast.expr) -> str:
    """Return the last part of a dotted name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def arguments(
    node: ast.Call,
    function: ast.FunctionDef,
    module: Path,
    known: Mapping[str, Any],
    folder: Path,
) -> dict[str, Any]:
    """Return what is known of a function's arguments in a call."""
    names = [each.arg for each in function.args.args]
    defaults = function.args.defaults
    last = zip(names[len(names) - len(defaults) :], defaults, strict=True)
    found: dict[str, Any] = dict.fromkeys(names, UNKNOWN)
    given = [*last, *zip(names, node.args, strict=False)]
    given += [(each.arg, each.value) for each in node.keywords if each.arg]
    return found | {name: value(part, module, known, folder) for name, part in given}


def value(node: ast.expr, module: Path, known: Mapping[str, Any], folder: Path) -> Any:
    """Return what an expression gives, if its text alone tells: constants, paths and tests."""

    def of(part: ast.expr) -> Any:
        return value(part, module, known, folder)

    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        given = {"__name__": "imported", "__file__": str(module), **known}
        return given.get(node.id, UNKNOWN)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = of(node.operand)
        return inner if inner is UNKNOWN else not inner
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        sides = of(node.left), of(node.comparators[0])
        return UNKNOWN if UNKNOWN in sides else sides[0] == sides[1]
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Add)):
        parts = of(node.left), of(node.right)
        if not all(isinstance(part, (str, Path)) for part in parts):
            return UNKNOWN
        return Path(*parts) if isinstance(node.op, ast.Div) else f"{parts[0]}{parts[1]}"
    if isinstance(node, ast.Attribute) and node.attr == "parent":
        inner = of(node.value)
        return Path(inner).parent if isinstance(inner, (str, Path)) else UNKNOWN
    return _of_call(node, of, folder) if isinstance(node, ast.Call) else UNKNOWN


def _of_call(node: ast.Call, of: Any, folder: Path) -> Any:
    """Return what a call that makes or looks up a path gives."""
    name, parts = name_of(node.func), [of(part) for part in node.args]
    if isinstance(node.func, ast.Attribute) and not parts:
        parts = [of(node.func.value)]
    if not parts or not all(isinstance(part, (str, Path)) for part in parts):
        return UNKNOWN
    if name in ("Path", "join", "str", "fspath", "abspath", "realpath"):
        return Path(*parts)
    if name in ("resolve", "absolute"):
        return Path(parts[0])
    if name == "dirname":
        return Path(parts[0]).parent
    if name in ("exists", "isfile", "is_file", "isdir", "is_dir"):
        text = os.fspath(folder / parts[0])
        return os.path.exists(text) if text.isprintable() else UNKNOWN
    return UNKNOWN
