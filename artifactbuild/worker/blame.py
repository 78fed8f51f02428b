"""Whose mistake an exception is: the user's code and the user's model end in located findings."""

from __future__ import annotations

import linecache
import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from artifactbuild.manifest import import_time
from artifactbuild.manifest.leaving import leave_out
from artifactbuild.worker import confine, confining, refused
from artifactbuild.worker.canonical import Unknown
from artifactbuild.worker.messages import Finding

IMPORTING = "importing "
OR_NAME_IT = "or name what a training script left there under weights:"

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Stopped(Exception):
    """A build cannot go on; the findings say why."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(*(finding.message for finding in findings))
        self.findings = findings


@contextmanager
def blamed(path: tuple[Any, ...], deed: str, project: Path, hint: str = "") -> Iterator[None]:
    """Turn whatever the user's code raises into a finding at `path` of the manifest.

    `deed` says what was being done; the message names the user's own line that was reached last.
    SystemExit and KeyboardInterrupt count: no key reaches a worker, so code has raised them.
    """
    try:
        yield
    except Stopped:
        raise
    except BaseException as error:
        traceback.print_exc()
        raise Stopped(
            _refused(error, path, deed)
            or Finding(
                path=path,
                message=f"{deed} raised {described(error)}{_place(error, project)}",
                hint=hint,
            )
        ) from error


def _refused(error: BaseException, path: tuple[Any, ...], deed: str) -> Finding | None:
    """Return the finding of a write that was refused, if that is why an exception was raised."""
    guard = confining.guard()
    found = refused.write(error, guard) if guard is not None else None
    if found is None:
        return None
    if deed.startswith(IMPORTING):
        module = found.place.rpartition(":")[0] or deed.removeprefix(IMPORTING)
        message = f"{IMPORTING}{module} writes {found.file} ({found.place})"
        return Finding(path=path, message=message, hint=import_time.CURE)
    before = f"{found.place}: " if found.place else ""
    message = f"{before}{deed} writes {found.file} in the project"
    cures = [*filter(None, [found.cure]), confining.CURE]
    return Finding(path=path, message=message, hint=f"{', '.join(cures)}, {OR_NAME_IT}")


def loading(error: BaseException, folder: str) -> str:
    """Say why an artifact could not be loaded, a write that was refused first of all.

    `folder` is the artifact's.
    """
    guard = confining.guard()
    found = refused.write(error, guard) if guard is not None else None
    if guard is None or found is None:
        return f"loading raised {described(error)}"
    file, own = os.path.join(guard.project, found.file), os.path.realpath(folder)
    name = os.path.relpath(file, own) if confine.is_within(file, own) else found.file
    return f"loading writes {name}" + (f" ({found.place})" if found.place else "")


@contextmanager
def reproducible(name: str) -> Iterator[None]:
    """Turn a structure without a canonical form into a finding at the format's name."""
    try:
        yield
    except Unknown as unknown:
        message = f"{name} has {unknown}, of which no two builds are known to be the same bytes"
        hint = leave_out(name)
        raise Stopped(Finding(path=("formats", name), message=message, hint=hint)) from unknown


def described(error: BaseException) -> str:
    """Return the type and the first lines of an exception's text, fit for one message."""
    told = str(error).split(" defined at (most recent call last)")[0]
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    text = _ADDRESS.sub("", " ".join(lines)).split(" using config=")[0]
    text = text if len(text) <= 240 else text[:240] + "…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _place(error: BaseException, project: Path) -> str:
    """Return ' at FILE:LINE' of the innermost frame inside the project, with its text."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(project) and "site-packages" not in file.parts:
            text = linecache.getline(frame.filename, frame.lineno or 0).strip()
            return f" at {file.relative_to(project).as_posix()}:{frame.lineno} ({text})"
    return ""
