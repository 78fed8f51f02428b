"""What was refused, found in an exception or in what a program printed: C++ does not say more."""

from __future__ import annotations

import errno
import os
import re
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from artifactbuild.worker.guard import Guard, Refused, is_of_project

_REFUSALS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EXDEV})
_SAID = re.compile(
    r"permission denied|read-only file system|readonly database|unable to open database"
    r"|operation not permitted|cross-device link",
    re.IGNORECASE,
)
_NAMES = (
    re.compile(r"([^\s:;`'\"‘’]+)[`'\"’]?\s*[:;]\s*(?:permission|read-only)", re.IGNORECASE),
    re.compile(r"[`'\"‘“]([^`'\"‘’“”\n]+)[`'\"’”]"),
    re.compile(r"([^\s:;,'\"`()‘’]*[./][^\s:;,'\"`()‘’]*)"),
)
"""Where a message names a file, the likeliest first."""


def write(error: BaseException, guard: Guard) -> Refused | None:
    """Return the refused write that an exception comes from, if it comes from one."""
    for each in _chain(error):
        file = _file(each, guard)
        if file:
            name, place = guard.named(file), _place(error, guard) or _place(each, guard)
            return Refused(file=name, place=place, cure=_cure(each, file, guard))
    return None


def _cure(error: BaseException, file: str, guard: Guard) -> str:
    if _is_of_sqlite(error):
        there = os.path.relpath(file)
        return f"read it by sqlite3.connect('file:{there}?immutable=1', uri=True)"
    return next((each.cure for each in guard.refused if each.file == guard.named(file)), "")


def _is_of_sqlite(error: BaseException) -> bool:
    return type(error).__module__ == "sqlite3"


def complaints(text: str, folder: str, is_held: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Yield each line in which a program says that it could not write, with the real path."""
    for line in text.splitlines():
        if _SAID.search(line) and (file := _named(line, folder, is_held)):
            yield line.strip(), file


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _file(error: BaseException, guard: Guard) -> str:
    """Return the real path that could not be written, or nothing."""
    said = _words(error)
    number = getattr(error, "errno", None)
    if number not in _REFUSALS and not _SAID.search(said):
        return ""
    known = [getattr(error, name, None) for name in ("filename2", "filename")]
    for name in known:
        if isinstance(name, (str, bytes)):
            path = os.path.realpath(os.fsdecode(name))
            if guard.is_held(path):
                return "" if _is_unreadable(path) else path
    if _is_of_sqlite(error):
        return guard.database if guard.is_held(guard.database) else ""
    return _named(said, os.curdir, guard.is_held)


def _words(error: BaseException) -> str:
    """Return what an exception says, with what a program printed, if it kept that."""
    parts: list[Any] = [error, getattr(error, "stderr", None), getattr(error, "output", None)]
    texts = [os.fsdecode(p) if isinstance(p, bytes) else str(p) for p in parts if p is not None]
    return "\n".join(texts)


def _named(text: str, folder: str, is_held: Callable[[str], bool]) -> str:
    """Return the first path in a text that is read-only for us; one whose folder is there."""
    for name in (name for names in _NAMES for name in names.findall(text)):
        path = os.path.realpath(os.path.join(folder, name))
        if _SAID.search(name) or not name.strip("./-") or not is_held(path):
            continue
        if os.path.isdir(os.path.dirname(path)):
            return "" if _is_unreadable(path) else path
    return ""


def _is_unreadable(path: str) -> bool:
    """Tell whether a file could not even be read, which is not our doing."""
    return os.path.isfile(path) and not os.access(path, os.R_OK)


def _place(error: BaseException, guard: Guard) -> str:
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if is_of_project(frame.filename, guard.project):
            return f"{guard.named(os.path.realpath(frame.filename))}:{frame.lineno}"
    return ""
