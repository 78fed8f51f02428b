"""What a build really read: every file under the project that Python opened, by an audit hook."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from artifactbuild.release.digest import of_file


class Depfile:
    """Records the files opened for reading under one folder, like a compiler's depfile.

    What TensorFlow's and HDF5's own C++ opens is not seen; `add` names such files.
    """

    def __init__(self, project: Path, ignored: Iterable[Path]) -> None:
        self._project = os.path.realpath(project)
        self._ignored = tuple(os.path.realpath(path) + os.sep for path in ignored)
        self._opened: set[str] = set()
        sys.addaudithook(self._hear)

    def add(self, path: Path) -> None:
        """Name a file that was read."""
        self._opened.add(os.path.realpath(path))

    def digests(self, folder: Path) -> Mapping[str, str]:
        """Return POSIX path from `folder` -> sha256 of each file read, sorted."""
        files = [path for path in self._opened if self._is_input(path)]
        start = os.path.realpath(folder)
        relative = {Path(os.path.relpath(path, start)).as_posix(): path for path in files}
        return {name: of_file(Path(relative[name])) for name in sorted(relative)}

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], (str, bytes)):
            return
        flags = arguments[2] if len(arguments) > 2 else 0
        if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR):
            return
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if path.startswith(self._project + os.sep):
            self._opened.add(path)

    def _is_input(self, path: str) -> bool:
        hidden = any(
            part.startswith(".") for part in Path(path).relative_to(self._project).parts[:-1]
        )
        return os.path.isfile(path) and not hidden and not path.startswith(self._ignored)
