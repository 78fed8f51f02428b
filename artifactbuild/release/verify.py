"""The files of an artifact, held against its record and the lock before any parser opens them.

No TensorFlow and no NumPy: names and kinds of files first, then the record, then digests.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry

from artifactbuild import resources
from artifactbuild.data import Mismatch, loads
from artifactbuild.problems import Refusal
from artifactbuild.reading import Unreadable, bounded, opened
from artifactbuild.release import card, copying, digest, identity, record, tree
from artifactbuild.release.environment import is_own
from artifactbuild.release.fault import Fault
from artifactbuild.release.identity import Expected
from artifactbuild.release.record import Record
from artifactbuild.release.tree import Tree

RECORD, LOCK = "record", "lock"

BESIDE = frozenset({record.FILE, record.CARD})
"""What the record cannot list: itself, and the card that is made of it."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a system says that has no room for a copy."""

HASHED = 1 << 30
"""A file of another size than the record says is hashed up to this size; its size tells enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One file that is not what it was: the digest that was expected, and the one found."""

    file: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How an artifact's files differ from what the record or the lock says; sorted by name."""

    against: str
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    changed: tuple[Changed, ...]

    def faults(self) -> Iterator[Fault]:
        """Yield a fault for each file."""
        hint = f"restore the artifact: it is not what the {self.against} says"
        for name in self.missing:
            message = f"is missing from the artifact, the {self.against} lists it"
            yield Fault(kind="missing", file=name, message=message, hint=hint)
        for name in self.extra:
            message = f"is not part of the artifact, the {self.against} does not list it"
            yield Fault(kind="extra", file=name, message=message, hint=hint)
        for each in self.changed:
            message = f"has the sha256 {each.actual}, the {self.against} says {each.expected}"
            yield Fault(kind="changed", file=each.file, message=message, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An artifact, held against what is said of it; `made` is its record, where it has one.

    `digests` are those of the bytes that were read: POSIX path to sha256.
    """

    made: Record | None
    files: int
    digests: Mapping[str, str]
    drifts: tuple[Drift, ...]
    faults: tuple[Fault, ...]

    def all_faults(self) -> tuple[Fault, ...]:
        """Return the faults, those of drift included, each file's once, sorted by file."""
        found = [*self.faults, *(fault for drift in self.drifts for fault in drift.faults())]
        first = {(fault.kind, fault.file, fault.at): fault for fault in reversed(found)}
        return tuple(sorted(first.values(), key=lambda fault: (fault.file, fault.kind, fault.at)))


def check(folder: Path, into: Path, *, expected: Expected | None = None) -> Record:
    """Copy an artifact into an empty folder of ours, check the copy, and return its record.

    The copy is what is hashed. So nobody who can write into `folder` can exchange what was checked
    for what is then opened.

    Raises:
        Refusal: with a problem for each reason not to open the artifact.
        OSError: when there is no room for the copy.
    """
    held = hold(folder, carded=False, into=into)
    faults = [*held.all_faults()]
    if held.made is not None and not faults:
        within = identity.roots(folder, os.environ)
        faults += identity.misplaced(folder, held.made, within)
        faults += expected.faults(identity.of(held.made)) if expected else ()
    if faults:
        raise Refusal(*(fault.problem(str(folder)) for fault in faults))
    assert held.made is not None
    return held.made


def hold(
    folder: Path,
    locked: Mapping[str, str] | None = None,
    *,
    carded: bool = True,
    into: Path | None = None,
) -> Held:
    """Hold every file of an artifact against its record, and all of it against the lock.

    `locked` is what the lock says: POSIX path to sha256. An artifact that is not `carded` may be
    without its card: somebody uses the model. When names or kinds of files are amiss, nothing is
    opened. With `into`, files are first copied into that folder, and the copies are hashed.
    """
    try:
        found = tree.scan(folder)
    except OSError as error:
        message = f"cannot be listed: {(error.strerror or str(error)).lower()}"
        fault = Fault(kind="unreadable", file="", message=message)
        return Held(made=None, files=0, digests={}, drifts=(), faults=(fault,))
    if found.faults:
        count = len(found.files)
        return Held(made=None, files=count, digests={}, drifts=(), faults=found.faults)
    return _held(folder, found, locked, carded=carded, into=into)


def card_faults(folder: Path, made: Record) -> tuple[Fault, ...]:
    """Hold the card against the record, where the built-in template of this version made it."""
    if not card_is_known(made):
        return ()
    metadata = json.loads(bounded(folder / record.FILE, record.MAX_BYTES))
    expected = card.render(metadata, resources.card_template()).encode()
    if bounded(folder / record.CARD, record.MAX_BYTES) == expected:
        return ()
    message = "is not what the record makes of the card's template"
    return (Fault(kind="card", file=record.CARD, message=message, hint=card.RESTORE),)


def card_is_known(made: Record) -> bool:
    """Tell whether the card can be made again from the record alone."""
    of_project = "card" in made.inputs.manifest
    return not of_project and is_own(made.environment)


def _held(
    folder: Path,
    found: Tree,
    locked: Mapping[str, str] | None,
    *,
    carded: bool,
    into: Path | None,
) -> Held:
    faults: list[Fault] = []
    digests: dict[str, str] = {}
    made = None
    try:
        raw = bounded(folder / record.FILE, record.MAX_BYTES, follow=False)
        digests[record.FILE] = digest.of_bytes(raw)
        if into is not None:
            (into / record.FILE).write_bytes(raw)
        made = record.parsed(raw)
        faults += _record_faults(loads(raw), made)
    except (Unreadable, Mismatch) as error:
        faults.append(Fault(kind="record", file=record.FILE, message=str(error)))
    sizes = {name: file.size for name, file in made.files.items()} if made else {}
    for name in found.files.keys() - digests.keys():
        copy = into / name if into is not None else None
        digests[name] = _digest(folder / name, found.files[name], sizes.get(name), copy)
    drifts = [] if made is None or faults else [_from_record(digests, made, carded=carded)]
    if locked is not None:
        drifts.append(_drift(LOCK, dict(locked), digests))
    return Held(
        made=made,
        files=len(found.files),
        digests=digests,
        drifts=tuple(drifts),
        faults=tuple(faults),
    )


def _from_record(digests: Mapping[str, str], made: Record, *, carded: bool) -> Drift:
    expected = {name: file.sha256 for name, file in made.files.items()}
    beside = BESIDE if carded else BESIDE & digests.keys()
    expected |= {name: digests.get(name, "") for name in beside}
    return _drift(RECORD, expected, digests)


def _drift(against: str, expected: Mapping[str, str], found: Mapping[str, str]) -> Drift:
    return Drift(
        against=against,
        missing=tuple(sorted(expected.keys() - found.keys())),
        extra=tuple(sorted(found.keys() - expected.keys())),
        changed=tuple(
            Changed(file=name, expected=expected[name], actual=found[name])
            for name in sorted(expected.keys() & found.keys())
            if expected[name] != found[name]
        ),
    )


def _digest(path: Path, size: int, expected: int | None, copy: Path | None) -> str:
    """Return a file's digest; of one that is far larger than it may be, what tells as much.

    The bytes go into `copy`, too, if the record lists the file.
    """
    if size != expected and size > HASHED:
        return f"of {size} bytes"
    try:
        with opened(path, follow=False) as file:
            if copy is None or expected is None:
                return digest.of_stream(file)
            copy.parent.mkdir(parents=True, exist_ok=True)
            with open(copy, "x+b", buffering=0) as target:
                copying.copy(file, target, max(size, expected))
                target.seek(0)
                return digest.of_stream(target)
    except Unreadable as error:
        return f"of a file that cannot be read ({error})"
    except OSError as error:
        if error.errno in FULL:
            raise
        return f"of a file that cannot be read ({error})"


def _record_faults(data: Any, made: Record) -> Iterator[Fault]:
    """Hold a record against its published schema, and the names in it to the folder's inside."""
    for error in _validator().iter_errors(data):
        message = f"is not a record: {error.message[:200]}"
        yield Fault(kind="record", file=record.FILE, at=error.json_path, message=message)
        return
    for key, name in _names(made):
        if why := identity.bad_name(name):
            message = f"states the {key} {name!r}, which {why}"
            yield Fault(kind="record", file=record.FILE, at=f"$.{key}", message=message)
    if made.format not in identity.formats():
        message = f"states the format {made.format!r}, which this artifactbuild does not have"
        yield Fault(kind="record", file=record.FILE, at="$.format", message=message)
    for name in sorted(made.files):
        if why := tree.bad_name(name):
            message = f"lists the file {name!r}, which {why}"
            yield Fault(kind="name", file=record.FILE, at="$.files", message=message)
        if name in BESIDE:
            message = f"lists the file {name!r}, which no record can know"
            yield Fault(kind="record", file=record.FILE, at="$.files", message=message)
    for first, second in tree.collisions(made.files):
        message = f"lists {second!r}, the same name as {first!r} where case does not count"
        yield Fault(kind="name-collision", file=record.FILE, at="$.files", message=message)


def _names(made: Record) -> tuple[tuple[str, str], ...]:
    """Return what makes the identity; names of folders, and written in messages and files."""
    return (
        ("model_name", made.model_name),
        ("format", made.format),
        ("version", made.version),
    )


def _validator() -> Draft202012Validator:
    return Draft202012Validator(resources.schema("metadata"), registry=Registry())
