"""What a module would do when it is imported, as far as its text says: does it train and write?

A script that trains and saves at the top level would run for minutes before its write is refused.
Only what is certain counts: a write whose path is known and lies in the project, and that no
condition guards whose outcome cannot be told. Nothing is imported or run.
"""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild.manifest import sources
from artifactbuild.manifest.values import UNKNOWN, arguments, name_of, value

TRAINS = frozenset({"fit", "fit_generator", "train_on_batch", "apply_gradients", "minimize"})
WRITES = frozenset(
    {
        *("dump", "export", "save", "save_model", "save_weights", "savefig", "savetxt", "savez"),
        *("to_csv", "to_json", "to_parquet", "write_bytes", "write_file", "write_text"),
    }
)
_PLACES = ("filepath", "path", "filename", "file", "fname")
_DEEPEST = 20
"""How deep calls and imports are followed."""

_ELSEWHERE = "os.chdir"
"""Known once the working folder was left."""

CURE = "put that under \"if __name__ == '__main__':\", and name what it leaves under weights:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A file that importing a module writes once it has trained, and the line that does."""

    module: Path
    line: int
    file: Path

    def told(self, project: Path) -> str:
        """Say it, with paths from the project."""
        module, file = (p.relative_to(project).as_posix() for p in (self.module, self.file))
        return f"importing {module} trains and writes {file} ({module}:{self.line})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """Something that is done: training, or a write of a file."""

    module: Path
    line: int
    file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Module:
    """A module of the project: its functions, and where names of other modules come from."""

    path: Path
    tree: ast.Module

    def function(self, name: str) -> ast.FunctionDef | None:
        found = (n for n in self.tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
        return next(found, None)

    def origin(self, name: str) -> tuple[str, str] | None:
        """Return the module and the name in it that a name was imported as."""
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return node.module, alias.name
        return None


def training(module: str, folder: Path, project: Path) -> Write | None:
    """Return the first file of the project that importing a module writes after it trained."""
    reader = _Reader(folder=folder, project=project)
    try:
        events = list(reader.imported(module, frozenset()))
    except RecursionError:  # too deeply nested to be read
        return None
    trained = False
    for event in events:
        if event.file is None:
            trained = True
        elif trained:
            return Write(module=event.module, line=event.line, file=event.file)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads statements in the order in which they would run."""

    folder: Path
    project: Path

    def imported(self, name: str, seen: frozenset[str]) -> Iterator[_Event]:
        """Yield what importing a module of the project does."""
        module = None if name in seen or len(seen) > _DEEPEST else self._module(name)
        if module is not None:
            yield from self._body(module.tree.body, module, {}, seen | {name})

    def _module(self, name: str) -> _Module | None:
        try:
            path = sources.locate(name, (self.folder, self.project))
            if path is None or not path.is_relative_to(self.project):
                return None
            if "site-packages" in path.parts:
                return None
            return _Module(path=path, tree=_parsed(path))
        except (sources.NotFound, OSError, SyntaxError, ValueError, MemoryError):
            return None

    def _body(
        self, body: Sequence[ast.stmt], module: _Module, known: dict[str, Any], seen: frozenset[str]
    ) -> Iterator[_Event]:
        for node in body:
            yield from self._statement(node, module, known, seen)
            if isinstance(node, (ast.Return, ast.Raise, ast.Break, ast.Continue)) or _leaves(node):
                return

    def _statement(
        self, node: ast.stmt, module: _Module, known: dict[str, Any], seen: frozenset[str]
    ) -> Iterator[_Event]:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return
        if isinstance(node, ast.If):
            outcome = value(node.test, module.path, known, self.folder)
            if outcome is UNKNOWN:
                known.update(_assigned(node))
                return
            chosen = node.body if outcome else node.orelse
            yield from self._body(chosen, module, known, seen)
            return
        for child in _inner(node):
            yield from self._expression(child, module, known, seen)
        for block in ("body", "orelse", "finalbody"):
            yield from self._body(getattr(node, block, ()), module, known, seen)
        for name in _imports(node):
            yield from self.imported(name, seen)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] = value(node.value, module.path, known, self.folder)
        else:
            known.update(_assigned(node))
        if _is_call(node, "chdir"):
            known[_ELSEWHERE] = True

    def _expression(
        self, node: ast.AST, module: _Module, known: Mapping[str, Any], seen: frozenset[str]
    ) -> Iterator[_Event]:
        if isinstance(node, (ast.Lambda, ast.IfExp, ast.BoolOp)):
            return
        for child in ast.iter_child_nodes(node):
            yield from self._expression(child, module, known, seen)
        if isinstance(node, ast.Call):
            yield from self._call(node, module, known, seen)

    def _call(
        self, node: ast.Call, module: _Module, known: Mapping[str, Any], seen: frozenset[str]
    ) -> Iterator[_Event]:
        name = name_of(node.func)
        if isinstance(node.func, ast.Attribute) and name in TRAINS:
            yield _Event(module=module.path, line=node.lineno)
        file = self._written(node, name, module, known)
        if file is not None:
            yield _Event(module=module.path, line=node.lineno, file=file)
        if isinstance(node.func, ast.Name):
            yield from self._called(node, name, module, known, seen)

    def _called(
        self,
        node: ast.Call,
        name: str,
        module: _Module,
        known: Mapping[str, Any],
        seen: frozenset[str],
    ) -> Iterator[_Event]:
        """Follow a call of a function of the project."""
        mark = f"{module.path}:{name}"
        if mark in seen or len(seen) > _DEEPEST:
            return
        function, home, origin = module.function(name), module, module.origin(name)
        if function is None and origin is not None:
            other = self._module(origin[0])
            if other is not None:
                function, home = other.function(origin[1]), other
        if function is None:
            return
        given = {k: v for k, v in known.items() if home is module}
        given |= arguments(node, function, module.path, known, self.folder)
        yield from self._body(function.body, home, given, seen | {mark})

    def _written(
        self, node: ast.Call, name: str, module: _Module, known: Mapping[str, Any]
    ) -> Path | None:
        """Return the file of the project that a call writes, if that is certain."""
        keywords = {each.arg: each.value for each in node.keywords}
        places = [*node.args[:2], *(keywords[key] for key in _PLACES if key in keywords)]
        if name == "open":
            mode = node.args[1] if len(node.args) > 1 else keywords.get("mode")
            if not isinstance(mode, ast.Constant) or not set(str(mode.value)) & set("wax+"):
                return None
            places = [node.args[0]] if node.args else places
        elif not isinstance(node.func, ast.Attribute) or name not in WRITES:
            return None
        elif name in ("write_text", "write_bytes"):
            places = [node.func.value]
        elif name == "dump":  # what comes first is what is dumped
            places = places[1:]
        for place in places:
            found = value(place, module.path, known, self.folder)
            if isinstance(found, (str, Path)) and "://" not in str(found):
                if _ELSEWHERE in known and not os.path.isabs(found):
                    return None
                path = Path(os.path.normpath(self.folder / found))
                return path if path.is_relative_to(self.project) else None
        return None


def _parsed(path: Path) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(path.read_bytes())


def _leaves(node: ast.stmt) -> bool:
    """Tell whether a statement ends the program."""
    return _is_call(node, "exit", "_exit", "abort")


def _is_call(node: ast.stmt, *names: str) -> bool:
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return is_call and name_of(node.value.func) in names  # type: ignore[attr-defined]


def _assigned(node: ast.AST) -> dict[str, Any]:
    """Return the names that a statement may give another value."""
    stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
    return {n.id: UNKNOWN for n in stored if isinstance(n.ctx, ast.Store)}


def _inner(node: ast.stmt) -> Iterator[ast.AST]:
    """Yield the expressions of a statement, not those of its blocks."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.stmt, ast.ExceptHandler)):
            yield child


def _imports(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
