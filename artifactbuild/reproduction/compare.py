"""Every file of a rebuilt version, held against the lock; what differs is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from artifactbuild import plan as planning
from artifactbuild.data import decode
from artifactbuild.manifest.model import Tolerance
from artifactbuild.release import digest, environment, record
from artifactbuild.release.lock import Lock, Locked
from artifactbuild.release.record import Record
from artifactbuild.reproduction.nouns import (
    DIFFERS,
    IDENTICAL,
    NOT_LOCKED,
    SAME_PAYLOAD,
    Compared,
    Difference,
    Place,
    Rebuilt,
    Released,
)
from artifactbuild.worker.messages import DifferenceReport, DifferenceRequest
from artifactbuild.worker.server import Server

UNKNOWN = "the lock has only digests, and what it names is not in the store"
FINGERPRINT = "fingerprint.pb"
FIGURES = frozenset({record.FILE, record.CARD, record.REFERENCE})
"""The files that tell what was measured where they were made; the others are payload."""


def drift(released: Released, rebuilt: Lock) -> tuple[str, ...]:
    """Say how the environment of the rebuild differs from that of the release."""
    return environment.drift(released.lock.environment, rebuilt.environment)


def compare(
    released: Released, rebuilt: Rebuilt, earlier: Sequence[Place], server: Server
) -> tuple[Compared, ...]:
    """Hold each format and the lock against the lock.

    Where bytes differ, the files that the lock names are sought in the store and in `earlier`
    places, to say what in them does. In the environment of the lock every file must be identical;
    in another, payloads must, and figures must keep their verdict.
    """
    made = rebuilt.lock
    assert made is not None
    has_drift = bool(drift(released, made))
    formats = [
        _format(released, rebuilt, name, earlier, server, has_drift=has_drift)
        for name in released.work.formats
    ]
    return (*formats, _lock(released.lock, made, formats, has_drift=has_drift))


def _format(
    released: Released,
    rebuilt: Rebuilt,
    name: str,
    earlier: Sequence[Place],
    server: Server,
    *,
    has_drift: bool,
) -> Compared:
    """Hold one format against the lock."""
    folder = _in(rebuilt.place, released, name)
    found, checks = digest.of_folder(folder), len(record.read(folder).checks)
    locked = released.lock.artifacts.get(name)
    if locked is None:
        return Compared(name=name, outcome=NOT_LOCKED, files=len(found), checks=checks)
    candidates = [released.work.folder(name), *(_in(each, released, name) for each in earlier)]
    differences = tuple(
        _difference(file, folder, _original(file, locked, candidates), released, server)
        if file in found and file in locked.files
        else Difference(file=file, what="is new" if file in found else "is gone")
        for file in sorted({*found, *locked.files}, key=_causes_first)
        if found.get(file) != locked.files.get(file)
    )
    if not has_drift:
        differences = tuple(replace(each, figure=False) for each in differences)
    return Compared(
        name=name,
        outcome=_outcome(differences),
        files=len(found),
        checks=checks,
        differences=differences,
    )


def _causes_first(file: str) -> tuple[bool, bool, str]:
    """Return a key that sorts files that tell of others behind them."""
    return file in FIGURES, file == FINGERPRINT, file


def _outcome(differences: Sequence[Difference]) -> str:
    if not differences:
        return IDENTICAL
    return SAME_PAYLOAD if all(each.figure for each in differences) else DIFFERS


def _in(place: Place, released: Released, name: str) -> Path:
    return place.artifacts / released.work.name / name / released.work.version


def _original(file: str, locked: Locked, candidates: Sequence[Path]) -> Path | None:
    """Return a folder where a file is as the lock says."""
    return next(
        (
            folder
            for folder in candidates
            if (folder / file).is_file() and digest.of_file(folder / file) == locked.files[file]
        ),
        None,
    )


def _difference(
    file: str, folder: Path, original: Path | None, released: Released, server: Server
) -> Difference:
    """Say what differs first in a file, and whether another environment may make it differ."""
    if original is None:
        return Difference(file=file, what=UNKNOWN, figure=file in FIGURES)
    tolerance = released.work.loaded.manifest.validation.tolerance
    report = _first(file, original, folder, tolerance, server)
    if file == record.REFERENCE:
        figure = report.within
    else:
        figure = file in FIGURES and _same_verdict(original, folder)
    return Difference(file=file, what=report.what, figure=figure)


def _first(
    file: str, before: Path, after: Path, tolerance: Tolerance, server: Server
) -> DifferenceReport:
    request = DifferenceRequest(
        before=str(before), after=str(after), file=file, atol=tolerance.atol, rtol=tolerance.rtol
    )
    log = after.parents[3] / "difference.log"
    return decode(DifferenceReport, server.run("difference", request, log))


def _same_verdict(before: Path, after: Path) -> bool:
    """Tell whether two records say the same but for what was measured, and where."""
    return _verdict(record.read(before)) == _verdict(record.read(after))


def _verdict(made: Record) -> Record:
    """Return a record without figures: same checks, same bounds, passed or not."""
    return replace(
        made,
        tensorflow_version="",
        keras_version="",
        environment={},
        files={},
        checks=tuple(replace(check, max_abs=None, bound=None, detail="") for check in made.checks),
        measures=tuple(replace(measure, value=0.0, model=0.0) for measure in made.measures),
    )


def _lock(
    released: Lock, rebuilt: Lock, formats: Sequence[Compared], *, has_drift: bool
) -> Compared:
    """Hold the lock that the rebuild wrote against the released one."""
    artifacts = {n: each for n, each in rebuilt.artifacts.items() if n in released.artifacts}
    known = {n: v for n, v in rebuilt.environment.items() if n in released.environment}
    whole = replace(rebuilt, artifacts=artifacts, environment=known)
    differences = tuple(_of_locks(released, whole, formats, has_drift=has_drift))
    return Compared(
        name="lock", outcome=_outcome(differences), files=1, checks=0, differences=differences
    )


def _of_locks(
    released: Lock, rebuilt: Lock, formats: Sequence[Compared], *, has_drift: bool
) -> Iterator[Difference]:
    changes = planning.changes(released.inputs, rebuilt.inputs)
    if changes:
        read = "; ".join(changes).replace(" is gone", " was not read")
        yield Difference(file="lock", what=f"other inputs: {read}")
    elif replace(released, environment={}, artifacts={}) != replace(
        rebuilt, environment={}, artifacts={}
    ):
        yield Difference(file="lock", what="was written in another form; build and commit it again")
    elif released != rebuilt:
        figures = all(each.outcome != DIFFERS for each in formats)
        what = "has the digests of the above" if not has_drift else "has this environment"
        yield Difference(file="lock", what=what, figure=has_drift and figures)
