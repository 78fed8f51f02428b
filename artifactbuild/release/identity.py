"""The identity of an artifact, `digits@v1/keras`, and the place that belongs to it.

The record states the identity. In an artifacts root, and in every folder that is named after a
format, the place `<model>/<format>/<version>` says it too, and people go by the place: both must
agree. Elsewhere (a copy, a folder of a server, an unpacked image) the record alone says it.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from artifactbuild import resources
from artifactbuild.manifest import find
from artifactbuild.problems import Refusal, did_you_mean
from artifactbuild.release import record, tree
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Record

GRAMMAR = "MODEL[@VERSION][/FORMAT]"
ROOT = "ARTIFACTBUILD_ARTIFACTS"

_EXPECTED = re.compile(r"([^@/]+)(?:@([^@/]+))?(?:/([^@/]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The model, the version and the format of an artifact."""

    model: str
    version: str
    format: str

    def __str__(self) -> str:
        return f"{self.model}@{self.version}/{self.format}"

    @property
    def place(self) -> str:
        """Return the folder of this artifact in an artifacts root."""
        return f"{self.model}/{self.format}/{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The artifact that somebody asks for; what is empty may be anything."""

    model: str
    version: str = ""
    format: str = ""

    def __str__(self) -> str:
        version = f"@{self.version}" if self.version else ""
        return f"{self.model}{version}" + (f"/{self.format}" if self.format else "")

    def faults(self, found: Identity) -> Iterator[Fault]:
        """Yield a fault if an artifact is a different one."""
        pairs = ("model", self.model), ("version", self.version), ("format", self.format)
        if any(value and value != getattr(found, name) for name, value in pairs):
            message = f"is {found}, expected {self}"
            hint = f"use the artifact of {self}, or expect {found}"
            yield Fault(kind="identity", file=record.FILE, message=message, hint=hint)


def of(made: Record) -> Identity:
    """Return the identity that a record states."""
    return Identity(model=made.model_name, version=made.version, format=made.format)


def expected(text: str) -> Expected:
    """Read `MODEL[@VERSION][/FORMAT]`, such as `digits`, `digits@v1` or `digits@v1/keras`.

    Raises:
        ValueError: when it is anything else, or names a format that does not exist.
    """
    found = _EXPECTED.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not {GRAMMAR}, for example digits@v1/keras")
    model, version, format = (part or "" for part in found.groups())
    rules, known = _rules(), formats()
    for key, value in (("name", model), ("version", version)):
        if value and not re.fullmatch(rules[key]["pattern"], value):
            what = {"name": "model name"}.get(key, key)
            raise ValueError(f"{value!r} in {text!r} is not a {what}: {rules[key]['errorMessage']}")
    if format and format not in known:
        guess = did_you_mean(format, known)
        all_of_them = f"formats are: {', '.join(sorted(known))}"
        why = f"{guess} {all_of_them}".strip()
        raise ValueError(f"{format!r} in {text!r} is not a format: {why}")
    return Expected(model=model, version=version, format=format)


def bad_name(name: str) -> str:
    """Say what is wrong with a name in an identity; empty if nothing is."""
    return "is no plain name" if "/" in name or "@" in name else tree.bad_name(name)


def roots(folder: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the artifacts roots that a folder may be in, where nobody names one."""
    above = find.project_of(os.path.abspath(folder))
    named = environ.get(ROOT)
    return (Path(above, "artifacts"), *((Path(named),) if named else ()))


def read(folder: Path, root: Path) -> Record:
    """Read the record of a version in an artifacts root.

    Raises:
        Refusal: when it cannot be read, or is that of a different place.
    """
    made = record.read(folder)
    if faults := tuple(misplaced(folder, made, (root,))):
        raise Refusal(*(fault.problem(str(folder)) for fault in faults))
    return made


def misplaced(folder: Path, made: Record, within: tuple[Path, ...]) -> Iterator[Fault]:
    """Yield a fault if an artifact is in the place of a different one.

    `within` are the artifacts roots that are known.
    """
    own = of(made)
    for path, known in _spellings(folder, within):
        place = _place(path, known)
        if place is None or place == own.place or _is_same(path, own, place):
            continue
        message = f"is {own}, but {_described(place)}"
        hint = (
            f"it was moved or copied here: restore what belongs here, or move it to {own.place} in "
            "an artifacts root; a copy for other use goes into a folder elsewhere that is not "
            "named after a format"
        )
        yield Fault(kind="misplaced", file=record.FILE, message=message, hint=hint)
        return


def _spellings(folder: Path, within: tuple[Path, ...]) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Yield the path as it is written, then without links, each with the roots in that spelling.

    A link may stand in the place of a version, and may point into one.
    """
    real = Path(os.path.realpath(folder))
    written = Path(os.path.abspath(folder))
    if os.path.realpath(written) == str(real):  # `link/..` is not what it looks like
        yield written, tuple(Path(os.path.abspath(root)) for root in within)
    yield real, tuple(Path(os.path.realpath(root)) for root in within)


def _place(path: Path, within: tuple[Path, ...]) -> str | None:
    """Return the place that a path says; None where it says nothing."""
    for root in within:
        inside = path.relative_to(root) if path.is_relative_to(root) else Path()
        if inside.parts and not inside.parts[0].startswith("."):
            return inside.as_posix()
    parts = path.parts
    if len(parts) > 2 and parts[-2].casefold() in formats():
        return "/".join(parts[-3:]).lstrip("/")
    return None


def _is_same(path: Path, own: Identity, place: str) -> bool:
    """Tell whether the path is only spelled in different case, where that does not count."""
    if place.casefold() != own.place.casefold():
        return False
    right = Path(*path.parts[:-3], own.model, own.format, own.version)
    return os.path.exists(right) and os.path.samefile(path, right)


def _described(place: str) -> str:
    parts = place.split("/")
    if len(parts) == 3:
        model, format, version = parts
        return f"its folder is the place of {model}@{version}/{format}"
    return f"its folder {place} is no artifact's place"


@functools.cache
def formats() -> frozenset[str]:
    """Return the names of all formats."""
    return frozenset(_rules()["formats"]["properties"])


def _rules() -> Mapping[str, Mapping[str, str]]:
    rules: Mapping[str, Mapping[str, str]] = resources.schema("model.artifact")["properties"]
    return rules
