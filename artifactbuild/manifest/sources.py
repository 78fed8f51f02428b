"""Find Python modules and the names they define, without importing or running any."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from artifactbuild import searching

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class NotFound(Exception):
    """No such module: the part of its name that was not found, and what was sought in it."""

    def __init__(self, name: str, inside: str, known: Sequence[str]) -> None:
        super().__init__(name, inside, known)
        self.name, self.inside, self.known = name, inside, tuple(known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names that a module defines; an open one may define others when it runs.

    `own` are those that it does not import.
    """

    defined: tuple[str, ...]
    own: tuple[str, ...]
    is_open: bool


def locate(module: str, folders: Sequence[Path]) -> Path | None:
    """Find a module's Python file; None when the module is there in another form."""
    top, *rest = module.split(".")
    spec = PathFinder.find_spec(top, [*map(str, folders), *searching.modules()]) or _hooked(top)
    if spec is None:
        raise NotFound(top, "", _modules(folders))
    for index, segment in enumerate(rest, 1):
        # A segment is sought under its bare name: with the dotted one, the machinery looks for
        # the parent among the imported modules.
        inside = list(spec.submodule_search_locations or ())
        spec = PathFinder.find_spec(segment, inside) if inside else None
        if spec is None:
            parent = ".".join([top, *rest[: index - 1]])
            raise NotFound(segment, parent, _modules([Path(each) for each in inside]))
    if spec.origin is None and spec.submodule_search_locations:  # a folder without code of its own
        folder = Path(next(iter(spec.submodule_search_locations)))
        raise NotFound("__init__", module, _modules([folder]))
    return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None


def names(source: bytes, file: str) -> Names:
    """Read the names that a module's source defines at its top level; raises SyntaxError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source, file)
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error) or "too deeply nested") from error
    own, imported = set(_own(tree.body)), set(_imported(tree.body))
    return Names(
        defined=tuple(sorted((own | imported) - {"*"})),
        own=tuple(sorted(own)),
        is_open="*" in imported or "__getattr__" in own | imported,
    )


def _hooked(name: str) -> ModuleSpec | None:
    """Ask the other finders: built-in modules, and packages that are installed for editing."""
    finders = (finder for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return next((spec for finder in finders if (spec := finder.find_spec(name, None))), None)


def _modules(folders: Sequence[Path]) -> list[str]:
    folders = [folder for folder in folders if folder.is_dir()]
    return sorted({path.stem for folder in folders for path in folder.glob("*.py")})


def _own(body: Sequence[ast.AST]) -> Iterator[str]:
    for node in _top_level(body):
        if isinstance(node, _DEFINITIONS):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _imported(body: Sequence[ast.AST]) -> Iterator[str]:
    for node in _top_level(body):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (_bound(node, alias) for alias in node.names)


def _top_level(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield what is in the scope of the module: definitions, but nothing inside of them."""
    for node in body:
        yield node
        if not isinstance(node, (*_DEFINITIONS, ast.Lambda, ast.comprehension)):
            yield from _top_level(list(ast.iter_child_nodes(node)))


def _bound(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    whole = alias.name if isinstance(node, ast.ImportFrom) else alias.name.partition(".")[0]
    return alias.asname or whole
