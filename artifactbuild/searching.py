"""Where modules and programs are looked for: never in the current folder, unless it is named.

An empty entry of PYTHONPATH or PATH stands for the current folder, which may be a pull request:
`PYTHONPATH=$PYTHONPATH:src` has one where PYTHONPATH was not set. Imports next to nothing.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LIBRARY = os.path.dirname(os.__file__)


def without_here(paths: Sequence[str]) -> list[str]:
    """Return search paths of modules without the current folder before Python's library.

    Behind it stand the installed packages, which can be those of the current folder.
    """
    here = _real("")
    library = paths.index(_LIBRARY) if _LIBRARY in paths else len(paths)
    before = [path for path in paths[:library] if path and _real(path) != here]
    return [*before, *paths[library:]]


def named_modules() -> list[str]:
    """Return the folders that PYTHONPATH names, as absolute paths."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [os.path.abspath(entry) for entry in entries if entry]


def modules() -> list[str]:
    """Return where a worker finds modules: as we do, and in all folders that PYTHONPATH names."""
    return list(dict.fromkeys([*named_modules(), *sys.path]))


def programs() -> str:
    """Return PATH without the entries that are read from the current folder on."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if os.path.isabs(entry))


def program(name: str) -> str | None:
    """Return the path of a program, None if it is not installed."""
    import shutil  # not for those who look for none

    return shutil.which(name, path=programs())


def _real(path: str) -> str:
    """Return a path without links; of a current folder that was deleted, nothing."""
    try:
        return os.path.realpath(path or os.getcwd())
    except OSError:
        return ""
