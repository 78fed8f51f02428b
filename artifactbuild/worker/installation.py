"""Whether the libraries that workers import can be imported: asked once a worker has failed.

A library that is half installed raises, or ends its interpreter; so each is imported in an
interpreter of its own.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from artifactbuild.problems import Problem, Refusal

LIBRARIES = ("numpy", "h5py", "tensorflow", "keras")
"""What every worker imports; those that others need come first."""

PATIENCE = 120.0
"""Seconds that an import may take."""

OURS = "artifactbuild"


class Broken(Refusal):
    """A library cannot be imported: no manifest is at fault, and no worker can work."""


def look(libraries: Sequence[str], environment: Mapping[str, str]) -> Broken | None:
    """Import each library as a worker does; return what is wrong with the first that fails."""
    for name in libraries:
        problem = _problem(name, environment)
        if problem is not None:
            return Broken(problem)
    return None


def _problem(name: str, environment: Mapping[str, str]) -> Problem | None:
    code = f"import {name}\nimport os\nos._exit(0)"  # TensorFlow's shutdown is slow
    try:
        tried = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            check=False,
            cwd=os.sep,
        )
    except subprocess.TimeoutExpired:
        return None
    if tried.returncode == 0:
        return None
    place = _place(name, environment)
    where = f" from {place}" if place else ""
    message = f"cannot be imported{where}: {_said(tried.stderr, tried.returncode)}"
    return Problem(file=name, message=message, hint=_repair(name, place))


def _said(printed: str, status: int) -> str:
    """Return the exception that an import ended with, or the signal."""
    if status < 0:
        return f"the interpreter was killed by {signal.Signals(-status).name}"
    raised = [line for line in printed.splitlines() if re.match(r"[\w.]+(Error|Exception)\b", line)]
    lines = raised or printed.strip().splitlines()
    return lines[-1] if lines else f"the interpreter ended with exit code {status}"


def _place(name: str, environment: Mapping[str, str]) -> str:
    """Return the folder in which a library is found, if it is not where packages are installed."""
    for folder in filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)):
        if any(Path(folder, file).exists() for file in (f"{name}.py", f"{name}/__init__.py")):
            return folder
    return ""


def _repair(name: str, place: str) -> str:
    command = f"`{Path(sys.executable).name} -m pip install --force-reinstall {_asked(name)!r}`"
    return f"take {place} out of PYTHONPATH, or run {command}" if place else f"run {command}"


def _asked(name: str) -> str:
    """Return what this package asks for of a library."""
    try:
        wanted = metadata.requires(OURS) or []
    except metadata.PackageNotFoundError:
        return name
    return next((_plain(each) for each in wanted if _is_of(each, name)), name)


def _plain(requirement: str) -> str:
    """Return a requirement without its marker, the lower bound first as people write it."""
    own = requirement.partition(";")[0].strip()
    bounds = re.search(r"[<>=!~].*", own)
    if bounds is None:
        return own
    ordered = sorted(bounds[0].split(","), key=lambda bound: bound.startswith("<"))
    return own[: bounds.start()] + ",".join(ordered)


def _is_of(requirement: str, name: str) -> bool:
    """Tell whether a requirement names a library, and is one of this Python version."""
    own, _, marker = requirement.partition(";")
    if re.split(r"[\s<>=!~\[]", own, maxsplit=1)[0] != name:
        return False
    bound = re.search(r"python_version\s*(<|>=)\s*['\"]3\.(\d+)['\"]", marker)
    if bound is None:
        return True
    is_older = sys.version_info[1] < int(bound[2])
    return is_older if bound[1] == "<" else not is_older
