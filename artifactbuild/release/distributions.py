"""Installed distributions that a project's code imports itself: inputs by version."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from importlib.machinery import PathFinder

from artifactbuild.release import fingerprint

MISSING = "missing"
"""The version of a module that was imported and not found."""

INSTALLED = "installed"
"""The version of what lies on the search path without one."""

STACK = ("keras", "tensorflow")
"""Their versions, and those of what they need, are the environment's, and so is our own."""


def versions(modules: Iterable[str]) -> dict[str, str]:
    """Return the version of each distribution that has one of the top-level modules, by name."""
    wanted = sorted(set(modules) - sys.stdlib_module_names)
    found = {name: version for each in wanted for name, version in _of_module(each)}
    own = {*_closure(STACK), "artifactbuild"} if found else set()
    return {name: found[name] for name in sorted(found) if _normal(name) not in own}


def now(before: Mapping[str, str]) -> dict[str, str]:
    """Return the versions as they are now, without those that are not installed here."""
    found = {}
    for name, was in before.items():
        version = _version(name) if was != MISSING else MISSING
        if was == MISSING and is_installed(name):
            version = INSTALLED
        if version:
            found[name] = version
    return found


def is_installed(module: str) -> bool:
    """Tell whether the search path has a top-level module."""
    return PathFinder.find_spec(module, sys.path) is not None


def _of_module(module: str) -> list[tuple[str, str]]:
    """Return the distributions of a module: most have its name, the others are looked up."""
    version = _version(module)
    if version:
        return [(module, version)]
    names = dict.fromkeys(
        each.metadata["Name"] for each in metadata.distributions() if module in _tops(each)
    )
    return [(name, _version(name)) for name in names]


def _tops(distribution: metadata.Distribution) -> set[str]:
    """Return the top-level modules of a distribution.

    `metadata.packages_distributions` of Python 3.10 knows only those that are listed, which few
    tools still do.
    """
    if listed := (distribution.read_text("top_level.txt") or "").split():
        return set(listed)
    files = distribution.files or ()
    return {file.parts[0] if len(file.parts) > 1 else _stem(file.name) for file in files}


def _stem(name: str) -> str:
    """Return the module that a file is: `x` of `x.py` or `x.cpython-310-x86_64-linux-gnu.so`."""
    return inspect.getmodulename(name) or ""


def _version(name: str) -> str:
    """Return the version of a distribution, as its folder of metadata is named; empty if none."""
    spelt = re.sub(r"[-_.]+", "[-_.]+", _normal(name))
    wanted = re.compile(rf"{spelt}-([^-]+)\.(?:dist|egg)-info", re.IGNORECASE)
    listed = (each for path in sys.path for each in fingerprint.distributions(path))
    return next((match[1] for each in listed if (match := wanted.fullmatch(each))), "")


def _closure(names: Iterable[str]) -> set[str]:
    """Return distributions with all that they need, extras aside, as normal names (PEP 503)."""
    pending, found = [_normal(name) for name in names], set()
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        pending += [_normal(each) for each in _required(name)]
    return found


def _required(name: str) -> list[str]:
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    plain = [line for line in lines if "extra ==" not in line.replace("extra==", "extra ==")]
    return [match[0] for line in plain if (match := re.match(r"[A-Za-z0-9._-]+", line))]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
