"""The nouns of a reproduction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from artifactbuild.job import Job
from artifactbuild.problems import Problem
from artifactbuild.release.lock import Lock

IDENTICAL = "identical"
SAME_PAYLOAD = "same payload"
DIFFERS = "differs"
FAILED = "not built"
UNAVAILABLE = "not available"
NOT_LOCKED = "not in the lock"

GOOD = frozenset({IDENTICAL, SAME_PAYLOAD, UNAVAILABLE, NOT_LOCKED})
"""The outcomes that nothing speaks against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A released version that is to be made again.

    `work` has its manifest, which lies in the working tree or in what was taken from a `revision`,
    and the store where it may be published; `origin` is the project in the working tree.
    """

    work: Job
    lock: Lock
    origin: Path
    revision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder of its own for one rebuild: a copy of the project, and where artifacts go."""

    base: Path
    project: Path
    manifest: Path
    artifacts: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a build in a place came to: the lock that it wrote, or why there is none."""

    place: Place
    lock: Lock | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A file that is not as the lock says: what differs first.

    A `figure` is a difference that another environment may make: measured numbers, the environment
    itself, and what tells of them.
    """

    file: str
    what: str
    figure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One format, or the lock, held against the lock."""

    name: str
    outcome: str
    files: int
    checks: int
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """One rebuild of one version: under which condition, and what became of each format."""

    model: str
    version: str
    revision: str
    condition: str
    outcome: str
    note: str = ""
    drift: tuple[str, ...] = ()
    compared: tuple[Compared, ...] = ()
    problems: tuple[Problem, ...] = ()
    kept: str = ""
