"""What only Python knows of a build: variables and modules that the project's code asks for."""

from __future__ import annotations

import _collections_abc
import ast
import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from artifactbuild.release import variables

_IMPORT = "<frozen importlib."
_BETWEEN = (
    *(_IMPORT, importlib.__file__, importlib.util.__file__, "<frozen os>", os.__file__),
    *("<frozen _collections_abc>", _collections_abc.__file__),
)
"""Code that stands between the project's code and what it asks for."""

_INSTALLED = frozenset({"site-packages", "dist-packages"})


class Asked:
    """Notes, from now on in this process, what code of the project asks Python for.

    `modules` are names of modules that it imported, tried to import or looked for, `variables` the
    names of variables of the environment that it read, `listed` how often Python's own import
    listed each folder.
    """

    def __init__(self, project: Path, ignored: Iterable[Path]) -> None:
        self.modules: set[str] = set()
        self.variables: set[str] = set()
        self.listed: Counter[str] = Counter()
        roots = {str(project), os.path.realpath(project)}
        self._inside = tuple(root.rstrip(os.sep) + os.sep for root in roots)
        self._ignored = tuple(str(path).rstrip(os.sep) + os.sep for path in ignored)
        sys.addaudithook(self._hear)
        sys.meta_path.insert(0, self)
        _listen_to_environment(self)

    def is_project_code(self, frame: FrameType | None) -> bool:
        """Tell whether the code that asks is the project's, past what only passes it on."""
        while frame is not None and frame.f_code.co_filename.startswith(_BETWEEN):
            frame = frame.f_back
        return frame is not None and self.is_project_file(frame.f_code.co_filename)

    def is_for_project_code(self, frame: FrameType | None) -> bool:
        """Tell whether code of the project is at work, perhaps by way of a library."""
        while frame is not None and not self.is_project_file(frame.f_code.co_filename):
            frame = frame.f_back
        return frame is not None

    def is_project_file(self, file: str) -> bool:
        """Tell whether a file is the project's own code, not what is installed inside of it."""
        return (
            file.startswith(self._inside)
            and not file.startswith(self._ignored)
            and _INSTALLED.isdisjoint(file.split(os.sep))
        )

    def missing(self, folders: Iterable[Path]) -> list[str]:
        """Return where the modules that were not found would have been found in the project."""
        return [
            os.path.join(place, name.rpartition(".")[2]) + end
            for name in sorted(self.modules - sys.modules.keys())
            for place in _searched(name, folders)
            for end in (".py", "")
        ]

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Note a module that is looked for, as a finder of Python's import; find none."""
        del path, target
        if self.is_project_code(sys._getframe(1)):
            self.modules.add(name)

    def read(self, before: Mapping[str, str]) -> dict[str, str]:
        """Return what is kept of each variable that was read; `before` is the environment."""
        return {name: variables.kept(name, before.get(name)) for name in sorted(self.variables)}

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.listdir":
            caller = sys._getframe(1).f_code.co_filename
            if caller.startswith(_IMPORT) and isinstance(arguments[0], str):
                self.listed[os.path.abspath(arguments[0])] += 1


def imported(files: Iterable[Path]) -> set[str]:
    """Return the top-level modules that Python files import, of those that are imported by now."""
    found: set[str] = set()
    for file in files:
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        for node in ast.walk(tree):
            found.update(_tops(node))
    return found & sys.modules.keys()


def _searched(name: str, folders: Iterable[Path]) -> Iterable[str]:
    """Return where a module is looked for: a package's folders, or the first of the search path."""
    parent = name.rpartition(".")[0]
    if parent:
        return map(str, getattr(sys.modules.get(parent), "__path__", ()))
    return map(str, folders)


def _tops(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        yield node.module.partition(".")[0]


def _listen_to_environment(asked: Asked) -> None:
    """Note each variable that the project's code reads by its name.

    Who goes through all of them, to copy them or to look for some, reads none by name.
    """
    kept = type(os.environ)

    class Environment(kept):  # type: ignore[misc, valid-type]
        """`os.environ`, which notes what is read."""

        passed: Any = None

        def __getitem__(self, key: Any) -> Any:
            name = os.fsdecode(key)
            unknown = key != self.passed and name not in set_here
            if unknown and asked.is_project_code(sys._getframe(1)):
                asked.variables.add(name)
            return super().__getitem__(key)

        def __setitem__(self, key: Any, value: Any) -> None:
            super().__setitem__(key, value)
            set_here.add(os.fsdecode(key))

        def __iter__(self) -> Iterator[Any]:
            try:
                for key in super().__iter__():
                    self.passed = key
                    yield key
            finally:
                self.passed = None

    set_here: set[str] = set()
    os.environ.__class__ = Environment
    if os.supports_bytes_environ:
        os.environb.__class__ = Environment
