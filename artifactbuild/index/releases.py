"""What the locks in a git history released, kept by commit: each commit is read once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from artifactbuild.index import entries, location

SUFFIX = ".history"

_MADE_BY = "releases 1"
_TIPS, _LOCK, _BROUGHT = "tips", "lock", "brought"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one lock says: the model, the version, and a digest of each format's payload.

    `model` is empty for what is no lock that we know.
    """

    model: str
    version: str
    payloads: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that was read of a repository: up to which commits, and what they brought.

    `brought` has the commit, the path and the object of each lock, the newest first; `locks` what
    each object says.
    """

    tips: Sequence[str] = ()
    brought: Sequence[tuple[str, str, str]] = ()
    locks: Mapping[str, Told]


NOTHING = Known(locks={})


def file_of(top: str) -> str | None:
    """Return the file of a repository, in the user's own cache; None where there can be none."""
    index = location.file_of(top, top)
    return index.removesuffix(".index") + SUFFIX if index is not None else None


def read(file: str | None) -> Known:
    """Return what was kept of a repository; nothing where it is damaged."""
    found = [text.split("\0") for text in entries.read(file, _MADE_BY).values()]
    try:
        return Known(
            tips=tuple(tip for fields in found if fields[0] == _TIPS for tip in fields[1:]),
            brought=tuple(_row(fields) for fields in found if fields[0].startswith(_BROUGHT)),
            locks=dict(_told(fields) for fields in found if fields[0].startswith(_LOCK)),
        )
    except (IndexError, TypeError, ValueError):
        return NOTHING


def write(file: str | None, known: Known) -> None:
    """Keep what was read of a repository, whole or not at all."""
    if file is not None:
        entries.write(file, _MADE_BY, [*_written(known)])


def _written(known: Known) -> Iterable[str]:
    yield "\0".join([_TIPS, *known.tips])
    for number, row in enumerate(known.brought):
        yield "\0".join([f"{_BROUGHT} {number}", *row])
    for name, told in known.locks.items():
        said = json.dumps([told.model, told.version, dict(told.payloads)])
        yield "\0".join([f"{_LOCK} {name}", said])


def _row(fields: list[str]) -> tuple[str, str, str]:
    _, commit, path, name = fields
    return commit, path, name


def _told(fields: list[str]) -> tuple[str, Told]:
    model, version, payloads = json.loads(fields[1])
    if not isinstance(model, str) or not isinstance(version, str):
        raise TypeError("is no lock")
    return fields[0].partition(" ")[2], Told(
        model=model, version=version, payloads={str(k): str(v) for k, v in payloads.items()}
    )
