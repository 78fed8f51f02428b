"""The catalogue of hints: every text that the code gives as the repair of a problem.

It is read from the source. A hint that is put together has `{}` for each part that varies. A place
that only hands on the hint of another is none of its own.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild import resources

PACKAGE = Path(__file__).parents[2] / "artifactbuild"
VARIES = "{}"

_POSITIONS = {"Changed": 1, "blamed": 3, "problem": 2, "wish.problem": 1}
_OWN_POSITIONS = {
    "manifest/scalars.py": {"Refused": 1},
    "manifest/text.py": {"self._end": 2, "self._note": 2, "self._refuse": 3, "_problem": 4},
    "release/standing.py": {"_fault": 1},
}
"""Where a hint stands among the arguments of what is called, for every file and for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place of the code that gives hints; the source of what could not be read, if any."""

    file: str
    line: int
    hints: tuple[str, ...]
    unread: tuple[str, ...] = ()


@functools.cache
def sites() -> tuple[Site, ...]:
    """Return every place that gives a hint."""
    return tuple(site for module in _modules().values() for site in _Reader(module).sites())


@functools.cache
def hints() -> frozenset[str]:
    """Return every hint of the code."""
    return frozenset(hint for site in sites() for hint in site.hints)


@functools.cache
def pattern(hint: str) -> re.Pattern[str]:
    """Return what matches a hint, with a group for each part that varies."""
    return re.compile("(.*?)".join(map(re.escape, hint.split(VARIES))), re.DOTALL)


def given_by(text: str) -> tuple[str, ...]:
    """Return the hints of the code that a text which was read may be, the most exact ones."""
    found = [hint for hint in hints() if pattern(hint).fullmatch(text)]
    most = max((_said(hint) for hint in found), default=0)
    return tuple(hint for hint in found if _said(hint) == most)


def _said(hint: str) -> int:
    return len(hint.replace(VARIES, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Module:
    name: str
    file: str
    tree: ast.Module


@functools.cache
def _modules() -> dict[str, _Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        name = "artifactbuild." + file.removesuffix(".py").replace("/", ".")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                child.parent = node  # type: ignore[attr-defined]
        name = name.removesuffix(".__init__")
        found[name] = _Module(name=name, file=file, tree=tree)
    return found


class _Reader:
    """Reads what the expressions of one module may be as text."""

    def __init__(self, module: _Module) -> None:
        self.module = module
        self.open: set[ast.AST] = set()

    def sites(self) -> Iterator[Site]:
        for node in ast.walk(self.module.tree):
            if (
                isinstance(node, ast.Call)
                and (given := _hint_of(node, self.module.file)) is not None
            ):
                texts = self.texts(given)
                hints = sorted({text for text in texts if isinstance(text, str) and _said(text)})
                unread = sorted({ast.unparse(each) for each in texts if isinstance(each, ast.AST)})
                if hints or unread:
                    yield Site(
                        file=self.module.file,
                        line=node.lineno,
                        hints=tuple(hints),
                        unread=tuple(unread),
                    )

    def texts(self, node: ast.expr) -> list[str | ast.AST]:
        """Return what an expression may be; the expression itself where that is unknown."""
        if node in self.open:
            return []
        self.open.add(node)
        try:
            return self._texts(node)
        finally:
            self.open.discard(node)

    def _texts(self, node: ast.expr) -> list[str | ast.AST]:
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Constant(value=None):
                return []
            case ast.JoinedStr(values=parts):
                return _joined([self._part(part) for part in parts])
            case ast.IfExp(body=first, orelse=second):
                return [*self.texts(first), *self.texts(second)]
            case ast.BoolOp(values=values):
                return [text for value in values for text in self.texts(value)]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined([self.texts(left), self.texts(right)])
            case ast.Name(id=name):
                return self._named(node, name)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call(func=ast.Attribute(value=inner, attr="strip")):
                return self.texts(inner)
            case ast.Call(func=ast.Name(id="did_you_mean")):
                return ["did you mean {}?"]
            case ast.Call(func=ast.Name(id="str"), args=[inner]):
                return self.texts(inner)
            case ast.Subscript(value=ast.Name(id="schema"), slice=ast.Constant(value=str(key))):
                return [*_of_schema(key)]
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="schema"), attr="get"),
                args=[ast.Constant(value=str(key)), *_],
            ):
                return [*_of_schema(key)]
            case ast.Call(func=ast.Name(id="_before")):
                return ["", "{}: "]
            case ast.Call(func=ast.Attribute(value=ast.Name(id="", ctx=_), attr="join")):
                return ["{}"]
            case ast.Call(func=called):
                return self._returned(node, called)
            case ast.Dict(values=values):
                return [text for value in values for text in self.texts(value)]
            case ast.Subscript(value=inner, slice=ast.Constant(value=int(index))):
                return [text for each in self.texts(inner) for text in _element(each, index)]
            case ast.Subscript(value=inner):
                return self.texts(inner)
        return [node]

    def _part(self, part: ast.expr) -> list[str | ast.AST]:
        if isinstance(part, ast.Constant):
            return [str(part.value)]
        assert isinstance(part, ast.FormattedValue)
        if isinstance(part.value, ast.Name) and part.value.id == "guess":
            return [VARIES]
        found = self.texts(part.value)
        known = [text for text in found if isinstance(text, str)]
        if part.conversion == ord("r"):
            known = list(map(repr, known))
        return [*known] if known and len(known) == len(found) and len(known) < 3 else [VARIES]

    def _named(self, node: ast.expr, name: str) -> list[str | ast.AST]:
        scope = _scope(node)
        while scope is not None:
            values = list(_assigned(scope, name))
            if values:
                return [text for value in values for text in self.texts(value)]
            if isinstance(scope, ast.FunctionDef) and name in _parameters(scope):
                return [] if name == "hint" else [node]
            scope = _scope(scope)
        for imported in ast.walk(self.module.tree):
            if isinstance(imported, ast.ImportFrom):
                for alias in imported.names:
                    if (alias.asname or alias.name) == name:
                        return _constant(f"{imported.module}", alias.name) or [node]
        return [node]

    def _attribute(self, node: ast.Attribute) -> list[str | ast.AST]:
        if ast.unparse(node).endswith(".hint"):
            return []
        if isinstance(node.value, ast.Name):
            for imported in ast.walk(self.module.tree):
                if isinstance(imported, ast.ImportFrom):
                    for alias in imported.names:
                        if (alias.asname or alias.name) == node.value.id:
                            module = f"{imported.module}.{alias.name}"
                            return _constant(module, node.attr) or [node]
        return [node]

    def _returned(self, node: ast.Call, called: ast.expr) -> list[str | ast.AST]:
        if isinstance(called, ast.Attribute) and called.attr == "get":
            found = self.texts(called.value)
            return found if all(isinstance(text, str) for text in found) else [node]
        module, name = self.module, ast.unparse(called)
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            holder = self._imported(called.value.id)
            module, name = (_modules().get(holder, module), called.attr)
        else:
            holder = self._imported(name).rpartition(".")[0]
            module = _modules().get(holder, module)
        for function in ast.walk(module.tree):
            if isinstance(function, ast.FunctionDef) and function.name == name:
                reader = self if module is self.module else _Reader(module)
                return [
                    text
                    for each in ast.walk(function)
                    if isinstance(each, ast.Return) and each.value is not None
                    for text in reader.texts(each.value)
                ]
        return [node]

    def _imported(self, name: str) -> str:
        for imported in ast.walk(self.module.tree):
            if isinstance(imported, ast.ImportFrom):
                for alias in imported.names:
                    if (alias.asname or alias.name) == name:
                        return f"{imported.module}.{alias.name}"
        return ""


@functools.cache
def _of_schema(key: str) -> tuple[str, ...]:
    """Return the hints that the schema of a manifest has under a key.

    An `errorMessage` that begins with "expected" is no hint, but a part of the message.
    """
    return tuple(_said_by(resources.schema("model.artifact"), key))


def _said_by(node: Any, key: str) -> Iterator[str]:
    if isinstance(node, dict):
        text = node.get(key)
        if isinstance(text, str) and not text.startswith("expected "):
            yield text
        for child in node.values():
            yield from _said_by(child, key)
    if isinstance(node, list):
        for child in node:
            yield from _said_by(child, key)


def _constant(module: str, name: str) -> list[str | ast.AST]:
    found = _modules().get(module)
    if found is None:
        return []
    values = list(_assigned(found.tree, name))
    return [text for value in values for text in _Reader(found).texts(value)]


def _hint_of(call: ast.Call, file: str) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == "hint":
            return keyword.value
    name = ast.unparse(call.func)
    positions = {**_POSITIONS, **_OWN_POSITIONS.get(file, {})}
    position = positions.get(name, positions.get(name.rpartition(".")[2]))
    found = position is not None and len(call.args) > position
    return call.args[position] if found and position is not None else None


def _joined(parts: Sequence[list[str | ast.AST]]) -> list[str | ast.AST]:
    texts = [""]
    for part in parts:
        known = [text if isinstance(text, str) else VARIES for text in part] or [VARIES]
        texts = [before + after for before in texts for after in dict.fromkeys(known)]
    return list(texts)


def _element(given: str | ast.AST, index: int) -> list[str | ast.AST]:
    """Return what an element of a tuple may be, which lies in any module."""
    if not isinstance(given, ast.Tuple):
        return [given]
    top = _scope(given)
    while top is not None and not isinstance(top, ast.Module):
        top = _scope(top)
    (module,) = [each for each in _modules().values() if each.tree is top]
    return _Reader(module).texts(given.elts[index])


def _scope(node: ast.AST) -> ast.AST | None:
    above = getattr(node, "parent", None)
    while above is not None and not isinstance(above, (ast.FunctionDef, ast.Module)):
        above = getattr(above, "parent", None)
    return above


def _assigned(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(scope):
        if _scope(node) is not scope:
            continue
        if isinstance(node, ast.For):
            yield from _unpacked(scope, node, name)
            continue
        if isinstance(node, ast.AugAssign) and ast.unparse(node.target) == name:
            yield ast.copy_location(_after_anything(node), node)
            continue
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets: list[ast.expr] = (
                node.targets if isinstance(node, ast.Assign) else [node.target]
            )
        else:
            continue
        value = node.value
        if value is None:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and target.id == name:
                yield value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                for each, part in zip(target.elts, value.elts, strict=True):
                    if isinstance(each, ast.Name) and each.id == name:
                        yield part
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Name):
                for index, each in enumerate(target.elts):
                    if isinstance(each, ast.Name) and each.id == name:
                        yield ast.Subscript(value=value, slice=ast.Constant(value=index))


def _unpacked(scope: ast.AST, loop: ast.For, name: str) -> Iterator[ast.expr]:
    """Yield what a variable of a loop may be that goes over the pairs of a generator."""
    if not isinstance(loop.target, ast.Tuple) or not isinstance(loop.iter, ast.Call):
        return
    names = [ast.unparse(each) for each in loop.target.elts]
    top: ast.AST | None = scope
    while top is not None and not isinstance(top, ast.Module):
        top = _scope(top)
    if name in names and top is not None:
        yield from _yielded(top, ast.unparse(loop.iter.func), names.index(name))


def _yielded(module: ast.AST, function: str, index: int) -> Iterator[ast.expr]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Yield) and isinstance(inner.value, ast.Tuple):
                    yield inner.value.elts[index]
                if isinstance(inner, ast.YieldFrom) and isinstance(inner.value, ast.Call):
                    yield from _yielded(module, ast.unparse(inner.value.func), index)


def _after_anything(added: ast.AugAssign) -> ast.JoinedStr:
    varying = ast.FormattedValue(value=ast.Name(id="guess"), conversion=-1)
    given = added.value.values if isinstance(added.value, ast.JoinedStr) else [added.value]
    return ast.JoinedStr(values=[varying, *given])


def _parameters(function: ast.FunctionDef) -> list[str]:
    given = function.args
    return [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
