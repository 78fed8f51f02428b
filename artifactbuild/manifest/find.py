"""Where manifests lie. Nothing here reads one, so that looking for them costs next to nothing.

Paths are plain strings: a project may have a thousand manifests, and `pathlib` takes longer to
compare two paths than the system takes to look at a file.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from artifactbuild.problems import Problem

NAME = "model.artifact.yaml"
ROOT_MARKS = (".git", "pyproject.toml")
SKIPPED = frozenset({"node_modules", "__pycache__", "artifacts"})
VENV_MARK = "pyvenv.cfg"


def manifests(arguments: Sequence[str], start: str) -> tuple[str, ...]:
    """Find the manifests that the arguments name, sorted, as absolute paths.

    Raises:
        Refusal: with a problem for each argument that names none.
    """
    found: set[str] = set()
    problems = []
    for argument in arguments or (".",):
        place = os.path.abspath(os.path.join(start, argument))
        below = [place] if os.path.isfile(place) else list(search(place))
        found.update(below)
        if not below:
            problems.append(_nothing(argument, place))
    if problems:
        from artifactbuild.problems import Refusal  # not for those who need none

        raise Refusal(*problems)
    return tuple(sorted(found, key=lambda path: path.split(os.sep)))


def project_of(folder: str, known: dict[str, str | None] | None = None) -> str:
    """Find the nearest folder upward with `.git` or `pyproject.toml`, else the folder itself.

    What is found of the folders above is kept in `known`, for manifests that share them.
    """
    return _marked(folder, {} if known is None else known) or folder


def _marked(folder: str, known: dict[str, str | None]) -> str | None:
    if folder not in known:
        above = os.path.dirname(folder)
        if any(os.path.exists(f"{folder}/{mark}") for mark in ROOT_MARKS):
            known[folder] = folder
        else:
            known[folder] = _marked(above, known) if above != folder else None
    return known[folder]


def shown(path: str) -> str:
    """Write an absolute path for people: from the current folder where it is inside, else whole."""
    here = os.path.join(os.getcwd(), "")
    return path[len(here) :] if path.startswith(here) else path


def search(folder: str) -> Iterator[str]:
    """Yield the manifests in a folder and below; hidden folders and environments are left out."""
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        entries = _listing(place)
        if VENV_MARK in entries and place != folder:
            continue
        if NAME in entries and not entries[NAME].is_dir():
            yield entries[NAME].path
        waiting += [entry.path for name, entry in entries.items() if _is_searched(name, entry)]


def _listing(folder: str) -> dict[str, os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry for entry in entries}
    except (OSError, ValueError):  # a NUL is in no name
        return {}


def _is_searched(name: str, entry: os.DirEntry[str]) -> bool:
    hidden = name.startswith(".") or name in SKIPPED
    return not hidden and entry.is_dir(follow_symlinks=False)


def _nothing(argument: str, place: str) -> Problem:
    from artifactbuild.problems import Problem, did_you_mean

    if os.path.isdir(place):
        hint = f"a manifest is a file named {NAME}; `artifactbuild init` writes one"
        return Problem(file=argument, message="no manifest in this folder", hint=hint)
    if os.path.islink(place):
        message = "is a link that leads nowhere"
        return Problem(file=argument, message=message, hint="replace it with a file")
    parent, name = os.path.split(place)
    beside = _listing(parent)
    hint = did_you_mean(name, sorted(beside)) or f"name a {NAME} or a folder that has one"
    return Problem(file=argument, message="no such file or folder", hint=hint)
