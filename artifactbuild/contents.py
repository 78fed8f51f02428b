"""What files hold and folders list, in one digest: what an answer came from."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild.release import digest
from artifactbuild.release.fingerprint import ABSENT, ENVIRONMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Files and folders that an answer came from, and one digest of what they hold.

    `names` are relative to `folder`; a folder's stands for what it lists. Those in `absent` must
    not come to be. A `whole` folder is watched with all that is in it, modes included.
    """

    folder: str
    names: tuple[str, ...]
    absent: tuple[str, ...] = ()
    whole: bool = False
    holds: str


def files(
    folder: str,
    names: Iterable[str],
    absent: Iterable[str] = (),
    digests: Mapping[str, str] | None = None,
) -> Watched:
    """Watch some files and folders; `digests` are those of files, where they are known."""
    every = (*sorted({*names}), *sorted(absent))
    holds = held(folder, every, digests or {})
    return Watched(folder=folder, names=every, absent=tuple(sorted(absent)), holds=holds)


def variables(names: Iterable[str]) -> Watched:
    """Watch variables of the environment; they lie in no folder."""
    every = tuple(sorted(names))
    absent = tuple(name for name in every if name not in os.environ)
    holds = held(ENVIRONMENT, every, {})
    return Watched(folder=ENVIRONMENT, names=every, absent=absent, holds=holds)


def tree(folder: str, digests: Mapping[str, str]) -> Watched:
    """Watch a folder with all that is in it."""
    names = below(folder)
    holds = held(folder, names, digests, whole=True)
    return Watched(folder=folder, names=names, whole=True, holds=holds)


def held(
    folder: str, names: Iterable[str], known: Mapping[str, str], *, whole: bool = False
) -> str:
    """Return one digest of what files hold and folders list, with their modes if `whole`."""
    if folder == ENVIRONMENT:
        return digest.of_data([[name, os.environ.get(name)] for name in names])
    return digest.of_data(
        [[name, *_held(os.path.join(folder, name), known.get(name), whole)] for name in names]
    )


def below(folder: str) -> tuple[str, ...]:
    """Return the names of a folder, of all folders in it and of all files, sorted."""
    found = ["."]
    for place, folders, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(place, name), folder) for name in (*folders, *names)]
    return tuple(sorted(found))


def _held(path: str, known: str | None, whole: bool) -> list[Any]:
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return [ABSENT]
    content: Any = known
    if stat.S_ISDIR(mode):
        content = "" if whole else sorted(filter(_is_importable, os.listdir(path)))
    elif not stat.S_ISREG(mode):  # a pipe would wait for its writer
        content = stat.S_IFMT(mode)
    elif known is None:
        content = digest.of_file(Path(path))
    return [content, mode] if whole else [content]


def _is_importable(name: str) -> bool:
    """Tell whether a name can be one that Python imports: editors make and remove hidden files."""
    return not name.startswith(".") and name != "__pycache__"
