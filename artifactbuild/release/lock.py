"""The lock: what was released, beside the manifest, told so that its `git diff` is a review.

One line a layer, a tensor, a loader: what changed is what a reviewer sees. Digests that only tell
people whether two things are the same are short; those that a decision rests on are whole, and come
last.
"""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artifactbuild.data import LATER, Mismatch, decode, dumps, loads
from artifactbuild.manifest.model import Tensor
from artifactbuild.problems import Problem, Refusal
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import alive, durable
from artifactbuild.release.record import FACTS, Inputs

VERSION = 1
SUFFIX = ".lock"
MAX_BYTES = 1 << 24

_MARKS = (b"<<<<<<< ", b"||||||| ", b">>>>>>> ")
"""What git writes where it could not merge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedTotals:
    """What the layers sum up to."""

    kind: str
    layers: int
    parameters: int
    trainable: int
    precision: str
    config_digest: str
    weights_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedLayer:
    """One layer, its name a path from the outermost model; the digests are short.

    They are those of the record: without names and defaults, so that a layer that was only renamed
    keeps them.
    """

    name: str
    kind: str
    output: str = ""
    parameters: int = 0
    inputs: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    config_digest: str
    weights_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedChecks:
    """What one loader of one format showed: what was compared and by which rule.

    Figures are not told: they differ from processor to processor, and the rule is what counts.
    """

    format: str
    loader: str
    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedMeasure:
    """What the loaders of one format reached on the evaluation set, in four digits."""

    format: str
    loaders: tuple[str, ...]
    metric: str
    output: str
    value: float
    model: float
    examples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedFigure:
    """A difference that checks measured within a tolerance, as the records state it.

    `checks` are `<format>/<loader>`. `max_abs` and `bound` are those of `record.Check`.
    """

    checks: tuple[str, ...]
    compared: str
    against: str
    max_abs: float | None
    bound: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedValue:
    """What loaders reached on the evaluation set, as the records state it.

    `loaders` are `<format>/<loader>`.
    """

    loaders: tuple[str, ...]
    metric: str
    output: str
    value: float
    model: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The facts of a release that a rebuild cannot find out again, and therefore adopts.

    `revisions` are those of the writers (`release.revisions`), `metadata` is what the records say
    in the words of the manifest's block of that name, `inputs` what the version was made from. The
    environment and the date are those of the lock.
    """

    revisions: Mapping[str, int]
    metadata: Mapping[str, Any]
    figures: tuple[LockedFigure, ...]
    values: tuple[LockedValue, ...]
    inputs: Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedInputs(Inputs):
    """What a version may be built from: `relock` renews this, and nothing else in the lock.

    `environment` has the entries that were accepted since, where they differ from the release's.
    `stated` has, by format, what the released records state of keys of the manifest that say
    something else by now, in the words of the record.
    """

    environment: Mapping[str, str] = field(default_factory=dict, metadata=LATER)
    stated: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One released artifact: its options, the digest of every file in its folder.

    `size` is what its payload takes, in bytes. `own` is set for a format that joined its version
    later: where its environment and its inputs differ from the version's, by kind and name; an
    empty text says that it has no such entry.
    """

    options: Mapping[str, Any]
    size: int
    files: Mapping[str, str]
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict, metadata=LATER)

    @property
    def payload(self) -> dict[str, str]:
        """The digests of the files that loaders read: these are the version."""
        return {name: each for name, each in self.files.items() if name not in FACTS}

    def is_payload(self, files: Mapping[str, str]) -> bool:
        """Tell whether an artifact with these digests has the released payload."""
        return self.payload == {name: each for name, each in files.items() if name not in FACTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What `model.artifact.lock` says; the fields are its keys, in this order.

    It has three layers. Identity: `artifacts`, the signatures and the layers. Facts of the release:
    `created_at`, `checks`, `measures`, `environment` and `release`; a lock of an artifactbuild that
    did not keep all of them has no `release`. What the version may be built from today: `inputs`.
    """

    lock_version: int
    model: str
    version: str
    created_at: str
    totals: LockedTotals
    input_signature: tuple[Tensor, ...]
    output_signature: tuple[Tensor, ...]
    layers: tuple[LockedLayer, ...]
    checks: tuple[LockedChecks, ...]
    measures: tuple[LockedMeasure, ...]
    environment: Mapping[str, str]
    release: Release | None = field(default=None, metadata=LATER)
    inputs: LockedInputs
    artifacts: Mapping[str, Locked]

    @property
    def accepted(self) -> dict[str, str]:
        """The environment that the version may be built in: the release's, and what came since."""
        return {**self.environment, **self.inputs.environment}


LINES = (
    LockedTotals,
    Tensor,
    LockedLayer,
    LockedChecks,
    LockedMeasure,
    LockedFigure,
    LockedValue,
)
"""The nouns that are one line each."""


def path_of(manifest: Path) -> Path:
    """Return where a manifest's lock lies: `model.artifact.yaml` has `model.artifact.lock`."""
    return manifest.with_suffix(SUFFIX)


def text(lock: Lock) -> str:
    """Return the lock as it is committed."""
    return dumps(lock, ordered=(Lock,), lines=LINES)


def read(manifest: Path, shown: str) -> Lock | None:
    """Read the lock of a manifest, None if there is none; `shown` names it in problems.

    Raises:
        Refusal: when the file is not a lock that we know.
    """
    path = path_of(manifest)
    if not path.exists():
        return None
    try:
        return parsed(bounded(path, MAX_BYTES), shown)
    except Unreadable as unreadable:
        raise Refusal(_no_lock(shown, unreadable)) from None


def parsed(raw: bytes, shown: str) -> Lock:
    """Return the lock that the bytes hold; `shown` names where they are from.

    Raises:
        Refusal: when they are not a lock that we know.
    """
    marks = [n for n, line in enumerate(raw.splitlines(), 1) if line.startswith(_MARKS)]
    if marks:
        raise Refusal(_unmerged(raw, shown, marks[0]))
    try:
        return _decoded(loads(raw))
    except Mismatch as mismatch:
        raise Refusal(_no_lock(shown, mismatch)) from None


def _decoded(data: Any) -> Lock:
    found = data.get("lock_version") if isinstance(data, dict) else None
    if found != VERSION:
        raise Mismatch(f"lock_version is {found!r}, this artifactbuild reads {VERSION}")
    return decode(Lock, data)


def _no_lock(shown: str, why: Exception) -> Problem:
    hint = "restore it with `git checkout`, or remove it and run `artifactbuild build`"
    return Problem(file=shown, message=f"not a lock: {why}", hint=hint)


def _unmerged(raw: bytes, shown: str, line: int) -> Problem:
    return Problem(
        file=shown,
        line=line,
        column=1,
        source=raw.splitlines()[line - 1].decode(errors="replace"),
        message="two branches released this model, and git could not merge their locks",
        hint=f"a lock is not merged by hand: take one side (`git checkout --theirs {shown}`), then "
        "`artifactbuild plan` says whether to build or to bump",
    )


def write(lock: Lock, manifest: Path) -> bool:
    """Write the lock if it says something new, whole or not at all; tell whether it did.

    Two that write at once are followed by one of their two texts, whole.

    Raises:
        Refusal: when the folder cannot be written.
    """
    path, content = path_of(manifest), text(lock).encode()
    try:
        _clear_dead(path)
        if path.exists() and path.read_bytes() == content:
            return False
        while not _replaced(path, content):
            pass
        durable.sync(path.parent)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        message = f"the lock cannot be written: {reason}"
        hint = "repair this and run the same command again: what is published stays as it is"
        raise Refusal(Problem(file=str(path), message=message, hint=hint)) from error
    return True


def _replaced(path: Path, content: bytes) -> bool:
    """Put a new file in the place of the old one; False if it was taken for a dead writer's."""
    descriptor, name = tempfile.mkstemp(prefix=_prefix(path), dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file, alive.hold(temporary, 0) as state:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
            if state in (alive.OURS, alive.UNKNOWN):
                os.replace(temporary, path)
                return True
    except FileNotFoundError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return False


def _clear_dead(path: Path) -> None:
    """Remove the temporary files of writers that died."""
    for temporary in path.parent.glob(glob.escape(_prefix(path)) + "*"):
        with suppress(OSError), alive.hold(temporary, 0) as state:
            if state == alive.OURS:
                temporary.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    return f".{path.name}.new-"
