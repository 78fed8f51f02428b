"""The stages of `verify`: files against record and lock, then what they contain, then a run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from artifactbuild.data import Mismatch, decode
from artifactbuild.job import Job, shown
from artifactbuild.limits import READING, RUNNING
from artifactbuild.problems import Problem, WorkerLost
from artifactbuild.release import (
    attestation,
    environment,
    identity,
    measured,
    own_facts,
    private,
    record,
    standing,
    verify,
)
from artifactbuild.release.fault import Fault
from artifactbuild.release.identity import Expected
from artifactbuild.release.record import Check, Record
from artifactbuild.release.verify import Drift, Held
from artifactbuild.targets import Target
from artifactbuild.worker import sandbox
from artifactbuild.worker.messages import (
    InspectReport,
    InspectRequest,
    RerunReport,
    RerunRequest,
    Sources,
)
from artifactbuild.worker.server import Server

WHOLE, REFUSED = "whole", "refused"
NOT_CHECKED = "not checked"

_REPAIRED = frozenset({"changed", "extra", "missing", "record", "special-file", "unreadable"})
"""Kinds of faults that `build --repair` repairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of loading an artifact again: where, by which loaders, what they showed.

    `skipped` are the loaders that need the project's code, where it was not given.
    """

    sandbox: str
    loaders: tuple[str, ...]
    skipped: tuple[str, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What `verify` found of one artifact.

    `lock` is the lock's path, empty if none is known; `card` is `same`, `changed`, or `not checked`
    where only the project's own template could tell and no lock does.
    """

    folder: str
    identity: str = ""
    """What the record says that it is, `digits@v1/keras`; empty where no record can be read."""
    model: str = ""
    format: str = ""
    version: str = ""
    record: str = ""
    """The sha256 of the record that was read; it lists those of all other files."""
    files: int = 0
    lock: str = ""
    facts: str = ""
    """Whose facts the artifact states where it has a lock: `released`, or its `own`."""
    card: str = "not checked"
    signature: str = "unsigned"
    """`unsigned`, `signed, not checked` or `signed`; the last only by the key that was given.

    `refused` where it does not hold, `not checked` where the artifact was refused before.
    """
    provenance: str = "none"
    """The same of the statement of provenance, or `none` where there is no statement."""
    static: bool = False
    """Whether the payload was read and found to contain nothing that it must not."""
    unverified: tuple[str, ...] = ()
    """Custom objects that the payload names and only its own record declares; no manifest does."""
    run: Run | None = None
    drifts: tuple[Drift, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def verdict(self) -> str:
        """Say `whole` or `refused`."""
        return REFUSED if self.faults else WHOLE

    def problems(self) -> tuple[Problem, ...]:
        """Return the faults as located problems."""
        return tuple(fault.problem(self.folder) for fault in self.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """An artifact after level 1: the verdict, its record, and the digests of what was read."""

    verdict: Verdict
    made: Record | None
    digests: Mapping[str, str]


def held(target: Target, expected: Expected | None = None) -> Verdict:
    """Hold an artifact against its record, its card, its place and its lock: level 1."""
    return examined(target, expected).verdict


def examined(
    target: Target, expected: Expected | None = None, within: Path | None = None
) -> Examined:
    """Hold an artifact against its record, its card, its place and its lock: level 1.

    `expected` is what it must be, `within` an artifacts root that the user names.
    """
    folder = target.folder
    lock = target.work.lock_shown if target.work and target.locked else ""
    verdict = Verdict(folder=shown(folder), lock=lock)
    if not os.path.lexists(folder):
        missing = replace(verdict, faults=(_absent(target),))
        return Examined(verdict=missing, made=None, digests={})
    found = _held(target)
    own = bool(lock) and not any(each.against == verify.LOCK for each in found.drifts)
    faults = [_explained(target, found, fault) for fault in found.all_faults()]
    made, card = found.made, verdict.card
    if made is not None and not faults:
        faults += identity.misplaced(folder, made, _roots(target, within))
        faults += expected.faults(identity.of(made)) if expected else ()
        faults += verify.card_faults(folder, made) if own or target.locked is None else ()
        known = (target.locked is not None and not own) or verify.card_is_known(made)
        card = "changed" if any(f.kind == "card" for f in faults) else "same" if known else card
    verdict = replace(
        verdict,
        files=found.files,
        facts=("own" if own else "released") if lock else "",
        card=card,
        drifts=found.drifts,
        faults=tuple(faults),
    )
    if made is not None:
        verdict = replace(_named(verdict, made), record=found.digests[record.FILE])
    return Examined(verdict=verdict, made=made, digests=found.digests)


def _held(target: Target) -> Held:
    """Hold an artifact against its record and the lock; of the latter the payload, where explained.

    An artifact whose outputs were computed here states facts of its own.
    """
    locked, memory = target.locked, target.work.memory if target.work else None
    found = verify.hold(target.folder, locked.files if locked else None)
    if locked is None or memory is None or found.made is None:
        return found
    same = locked.is_payload(found.digests)
    if same and own_facts.are_explained(found.made, found.digests, locked, memory):
        rest = tuple(drift for drift in found.drifts if drift.against != verify.LOCK)
        return replace(found, drifts=rest)
    return found


def signed(target: Target, found: Examined, key: Path | None) -> Verdict:
    """Check what lies beside an artifact that is whole: its statement, and by a key its signatures.

    With a key, an artifact without a signature is refused.
    """
    if found.verdict.faults or found.made is None:
        return replace(found.verdict, signature=NOT_CHECKED, provenance=NOT_CHECKED)
    there = standing.of(target.folder, found.made, found.digests, key)
    return replace(
        found.verdict,
        signature=there.signature,
        provenance=there.provenance,
        faults=there.faults,
    )


def attested(target: Target, found: Examined, builder: str, key: Path | None) -> tuple[Path, ...]:
    """Write the statement of an artifact that is whole, with a key signed; return the files."""
    assert found.made is not None, "what is whole has a record"
    here = measured.read(_root(target.folder), found.made)
    return attestation.write(target.folder, found.made, found.digests, builder, key, here)


def _root(folder: Path) -> Path:
    """Return the artifacts root that a version's folder would lie in."""
    return Path(os.path.normpath(folder.absolute() / ".." / ".." / ".."))


def inspected(
    target: Target, verdict: Verdict, operations: tuple[str, ...], server: Server, log: Path
) -> Verdict:
    """Read what an artifact that is whole contains, without loading it: level 2."""
    if verdict.faults:
        return verdict
    unverified: tuple[str, ...] = ()
    try:
        with private.copy(target.folder, verdict.record) as folder:
            request = _inspection(target, folder, operations)
            report = decode(InspectReport, server.run("inspect", request, log))
        faults, unverified = report.faults, report.unverified
    except private.Changed as changed:
        faults = (changed.fault,)
    except WorkerLost as lost:
        if lost.bug:
            raise
        message = f"could not be read to the end: {lost.cause}"
        faults = (Fault(kind="unreadable", file="", message=message),)
    return replace(verdict, static=not faults, unverified=unverified, faults=faults)


def _inspection(target: Target, folder: Path, operations: tuple[str, ...]) -> InspectRequest:
    """Ask for an inspection of a folder, with what the manifest says of the artifact."""
    manifest = target.work.loaded.manifest if target.work else None
    return InspectRequest(
        folder=str(folder),
        operations=operations,
        allow_lambda=manifest is not None and manifest.allow_lambda,
        custom_objects=tuple(map(str, manifest.custom_objects)) if manifest else None,
        locked=target.locked is not None,
        limits=READING,
    )


def rerun(target: Target, verdict: Verdict, *, sources: bool) -> Verdict:
    """Load an artifact again, shut off, and compare with its reference: level 3.

    With `sources`, the code of the project whose manifest was given is run, too.
    """
    if verdict.faults:
        return verdict
    code = _sources(target.work) if sources and target.work is not None else None
    try:
        with private.copy(target.folder, verdict.record) as folder:
            request = RerunRequest(folder=str(folder), sources=code, limits=RUNNING)
            readable = [folder, *map(Path, code.search_path if code else ())]
            report = decode(RerunReport, sandbox.run("rerun", request, readable, RUNNING))
    except private.Changed as changed:
        return replace(verdict, faults=(changed.fault,))
    except WorkerLost as lost:
        if lost.bug:
            raise
        fault = Fault(kind="run", file="", message=f"could not be run: {lost.cause}")
        return replace(verdict, faults=(fault,))
    except Mismatch as mismatch:
        message = f"gave no report but its own words: {mismatch}"
        return replace(verdict, faults=(Fault(kind="run", file="", message=message),))
    made = Run(
        sandbox=sandbox.kind(),
        loaders=tuple(dict.fromkeys(check.loader for check in report.checks)),
        skipped=report.skipped,
        checks=report.checks,
    )
    return replace(verdict, run=made, faults=tuple(_failed(report.checks)))


def _failed(checks: tuple[Check, ...]) -> Iterator[Fault]:
    for check in checks:
        if not check.passed:
            message = f"by {check.loader!r}, {check.compared} against {check.against}"
            yield Fault(kind="run", file="", at=message, message=check.detail)


def _sources(work: Job) -> Sources:
    manifest = work.loaded.manifest
    return Sources(
        search_path=tuple(map(str, work.search_path)),
        factory=str(manifest.factory),
        kwargs=manifest.kwargs,
        custom_objects=tuple(map(str, manifest.custom_objects)),
        allow_lambda=manifest.allow_lambda,
    )


def _named(verdict: Verdict, made: Record) -> Verdict:
    own = identity.of(made)
    said = str(own) if not any(map(identity.bad_name, (own.model, own.version, own.format))) else ""
    return replace(verdict, identity=said, model=own.model, format=own.format, version=own.version)


def _explained(target: Target, found: Held, fault: Fault) -> Fault:
    """Say how to repair what differs from the lock, or that another environment made it."""
    if target.work is None or target.locked is None or fault.kind not in _REPAIRED:
        return fault
    memory, made = target.work.memory, found.made
    drift = environment.drift(memory.environment, made.environment) if memory and made else ()
    if fault.kind != "changed" or not drift or not _has_another_card(found):
        return replace(fault, hint=f"run `{target.work.repair}`")
    hint = (
        f"it was built in another environment ({'; '.join(drift)}), and is not what was released: "
        "fetch that, or hold this against its record alone: "
        f"`artifactbuild verify {shown(target.folder)}`"
    )
    return replace(fault, hint=hint)


def _has_another_card(found: Held) -> bool:
    """Tell whether the card is not the lock's: that of another environment lists it."""
    own = found.made is not None and "card" in found.made.inputs.manifest
    changed = {each.file for drift in found.drifts for each in drift.changed}
    return own or record.CARD in changed


def _absent(target: Target) -> Fault:
    hint = f"run `artifactbuild build {target.work.loaded.document.file}`" if target.work else ""
    message = "is in the lock, and not published here"
    return Fault(kind="missing", file="", message=message, hint=hint)


def _roots(target: Target, within: Path | None) -> tuple[Path, ...]:
    named = (within,) if within is not None else ()
    own = (target.work.store.root,) if target.work is not None else ()
    return (*named, *own, *identity.roots(target.folder, os.environ))
