"""Every file of a rebuilt version, held against the lock; what differs is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from artifactbuild import plan as planning
from artifactbuild.data import decode, dumps
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
FINGERPRINT, LOCK = "fingerprint.pb", "lock.json"
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
    return (*formats, _lock(released, rebuilt, formats, server, has_drift=has_drift))


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
    report = _first(file, original, folder, folder.parents[3], tolerance, server)
    if file == record.REFERENCE:
        figure = report.within
    else:
        figure = file in FIGURES and _same_verdict(original, folder)
    return Difference(file=file, what=report.what, figure=figure)


def _first(
    file: str, before: Path, after: Path, base: Path, tolerance: Tolerance, server: Server
) -> DifferenceReport:
    request = DifferenceRequest(
        before=str(before), after=str(after), file=file, atol=tolerance.atol, rtol=tolerance.rtol
    )
    return decode(DifferenceReport, server.run("difference", request, base / "difference.log"))


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
    released: Released,
    rebuilt: Rebuilt,
    formats: Sequence[Compared],
    server: Server,
    *,
    has_drift: bool,
) -> Compared:
    """Hold the lock that the rebuild wrote against the released one."""
    before, after = released.lock, _of_same_formats(rebuilt.lock, released.lock)
    changes = planning.changes(before.inputs, after.inputs)
    figure = False
    if before == after:
        what = ""
    elif changes:
        what = f"other inputs: {'; '.join(changes).replace(' is gone', ' was not read')}"
    elif _told(before) != _told(after):
        what = _first_of_locks(_told(before), _told(after), rebuilt.place.base, server)
    else:
        what = "has this environment" if has_drift else "has the digests of the above"
        figure = has_drift and all(each.outcome != DIFFERS for each in formats)
    differences = (Difference(file="lock", what=what, figure=figure),) if what else ()
    return Compared(
        name="lock", outcome=_outcome(differences), files=1, checks=0, differences=differences
    )


def _of_same_formats(rebuilt: Lock | None, released: Lock) -> Lock:
    """Return the rebuilt lock without formats that were not released."""
    assert rebuilt is not None
    names = released.artifacts
    return replace(
        rebuilt,
        artifacts={n: each for n, each in rebuilt.artifacts.items() if n in names},
        checks=tuple(each for each in rebuilt.checks if each.format in names),
        measures=tuple(each for each in rebuilt.measures if each.format in names),
        environment={n: v for n, v in rebuilt.environment.items() if n in released.environment},
        release=rebuilt.release if released.release is not None else None,
    )


def _told(lock: Lock) -> Lock:
    """Return what a lock tells beside digests, environment and figures."""
    measures = tuple(replace(measure, value=0.0, model=0.0) for measure in lock.measures)
    return replace(lock, environment={}, release=None, artifacts={}, measures=measures)


def _first_of_locks(before: Lock, after: Lock, base: Path, server: Server) -> str:
    for name, each in (("released", before), ("rebuilt", after)):
        (base / name).mkdir(exist_ok=True)
        (base / name / LOCK).write_text(dumps(each), encoding="utf-8")
    exactly = Tolerance(atol=0.0, rtol=0.0)
    return _first(LOCK, base / "released", base / "rebuilt", base, exactly, server).what
