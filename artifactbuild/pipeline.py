"""The stages in order: plan, build, prove, record, publish, lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from artifactbuild import plan as planning
from artifactbuild import proving, recording
from artifactbuild.data import decode
from artifactbuild.job import Job, manifest_digests, shown, source_digests
from artifactbuild.plan import Current, Plan, Published, Step
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import digest, durable, environment, lock, locking, record
from artifactbuild.release.record import Inputs, Record
from artifactbuild.resources import templates
from artifactbuild.worker.messages import BuildReport, BuildRequest, Tell
from artifactbuild.worker.server import Server, WorkerLost
from artifactbuild.worker.settings import RECORDED

UNLIKE_LOCK = "published, unlike the lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one format: published, identical, up to date; where it is, its checks."""

    format: str
    outcome: str
    folder: str
    checks: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one manifest."""

    model: str
    version: str
    results: tuple[Result, ...]
    lock: str
    lock_changed: bool


def plan(work: Job) -> Plan:
    """Decide what would be done; reads digests, imports nothing of the project."""
    known = published(work)
    remembered = [each.inputs for each in known.values()]
    if work.memory is not None:
        remembered.append(work.memory.inputs)
    return planning.make(work.loaded.manifest, current(work, remembered), work.lock, known)


def published(work: Job) -> dict[str, Published]:
    """Return what is published of the formats that the manifest asks for."""
    return {
        format: published_as(work.folder(format))
        for format in work.formats
        if work.store.is_published(work.name, format, work.version)
    }


def current(work: Job, remembered: Iterable[Inputs]) -> Current:
    """Return what would go into a build now, of the sources that earlier builds read."""
    names = sorted({name for inputs in remembered for name in inputs.sources})
    return Current(
        inputs=Inputs(manifest=manifest_digests(work), sources=source_digests(work, names)),
        environment=environment.here(RECORDED, work.formats),
        kind=_known_kind(work),
    )


def refusals(work: Job, made: Plan) -> tuple[Problem, ...]:
    """Return the located problem of a plan that cannot be carried out."""
    refused = made.of(planning.REFUSE)
    if not refused:
        return ()
    impossible = [step for step in refused if step.impossible]
    if impossible:
        return tuple(
            work.problem(("formats", s.format), s.reason, f"leave {s.format} out of `formats:`")
            for s in impossible
        )
    what = list(dict.fromkeys(change for step in refused for change in step.changes))
    message = f"{work.name} {work.version} was released from other inputs: {'; '.join(what)}"
    file = work.loaded.document.file
    hint = f"a released version never changes: run `artifactbuild bump {file}`"
    return (work.problem(("version",), message, hint),)


def build(work: Job, server: Server, tell: Tell) -> Outcome:
    """Carry a manifest's plan out: build, prove, record, publish, lock.

    Raises:
        Refusal: with located problems; nothing was published.
        WorkerLost: when a worker failed by a mistake of ours.
    """
    made = plan(work)
    refused = refusals(work, made)
    if refused:
        raise Refusal(*refused)
    steps = made.of(planning.BUILD)
    kept = tuple(_kept(work, step) for step in made.of(planning.KEEP))
    fresh = _made(work, steps, server, tell) if steps else ()
    order = [step.format for step in made.steps]
    results = tuple(sorted((*kept, *fresh), key=lambda result: order.index(result.format)))
    return Outcome(
        model=work.name,
        version=work.version,
        results=results,
        lock=work.lock_shown,
        lock_changed=_write_lock(work, results),
    )


def _made(work: Job, steps: tuple[Step, ...], server: Server, tell: Tell) -> tuple[Result, ...]:
    """Stage, prove and publish; what was staged is kept when it cannot be proven."""
    for step in steps:
        work.store.refuse_obstacles(work.name, step.format, work.version)
    try:
        with work.store.staging(work.name, work.version) as staged:
            records, notes = _kept_if_failed(work, steps, staged, server, tell)
            tell("publishing")
            for made in records:
                durable.seal(staged / made.format)
            results = tuple(_publish(work, made, staged / made.format, notes) for made in records)
            work.store.forget_failed(staged, work.name, work.version)
            return results
    except OSError as error:
        raise work.store.refusal(error) from error


def _kept_if_failed(
    work: Job, steps: tuple[Step, ...], staged: Path, server: Server, tell: Tell
) -> tuple[tuple[Record, ...], Mapping[str, str]]:
    """Build, prove and record; keep what was staged for a look when that fails."""
    try:
        return _proven(work, steps, staged, server, tell)
    except WorkerLost as lost:
        full, kept = work.store.shortage(), _kept_for_a_look(work, staged)
        if lost.bug and not full:
            raise WorkerLost(lost.cause, Path(kept, lost.log.name), bug=True) from None
        raise Refusal(*full, _lost(work, lost), kept=kept) from None
    except Refusal as refusal:
        full, kept = work.store.shortage(), _kept_for_a_look(work, staged)
        raise Refusal(*full, *refusal.problems, kept=kept) from None


def _kept_for_a_look(work: Job, staged: Path) -> str:
    """Keep what was staged; a disk that cannot must not hide why the build failed."""
    with suppress(OSError):
        return shown(work.store.keep_failed(staged, work.name, work.version))
    return ""


def _proven(
    work: Job, steps: tuple[Step, ...], staged: Path, server: Server, tell: Tell
) -> tuple[tuple[Record, ...], Mapping[str, str]]:
    """Build, prove and record every format; nothing is published yet."""
    report = _built(work, steps, staged, server, tell)
    records = recording.provisional(work, report, steps, staged)
    proofs = proving.prove(work, report, steps, staged, server, tell)
    records = recording.final(work, report, records, proofs, staged)
    return records, recording.held_against_lock(work, records, staged)


def _built(
    work: Job, steps: tuple[Step, ...], staged: Path, server: Server, tell: Tell
) -> BuildReport:
    """Run the builder; its findings become problems located in the manifest."""
    for step in steps:
        (staged / step.format).mkdir()
    request = BuildRequest(
        manifest=work.loaded.document.data,
        project=str(work.loaded.project),
        folder=str(work.loaded.path.parent),
        formats=tuple(step.format for step in steps),
        staging=str(staged),
        ignored=(str(work.store.root), str(Path(__file__).parent), str(templates())),
    )
    answer = server.run("build", request, staged / "build.log", tell)
    report = decode(BuildReport, answer)
    if report.findings:
        raise Refusal(*(work.problem(f.path, f.message, f.hint) for f in report.findings))
    return report


def _publish(work: Job, made: Record, folder: Path, notes: Mapping[str, str]) -> Result:
    """Publish one format; of two builders at once, the later takes the date of the earlier."""
    made = recording.dated(work, made, folder)
    try:
        outcome = work.store.publish(folder, work.name, made.format, work.version)
    except Refusal:
        again = recording.dated(work, made, folder)
        if again == made:
            raise
        outcome = work.store.publish(folder, work.name, made.format, work.version)
    note = notes.get(made.format, "")
    return Result(
        format=made.format,
        outcome=UNLIKE_LOCK if note else outcome,
        folder=shown(work.folder(made.format)),
        checks=len(made.checks),
        note=note,
    )


def _kept(work: Job, step: Step) -> Result:
    folder = work.folder(step.format)
    return Result(
        format=step.format,
        outcome=step.reason,
        folder=shown(folder),
        checks=len(record.read(folder).checks),
    )


def _write_lock(work: Job, results: tuple[Result, ...]) -> bool:
    """Bring the lock up to what is published; what it says already stands."""
    records = {r.format: record.read(work.folder(r.format)) for r in results}
    locked = work.memory.artifacts if work.memory else {}
    new = [format for format in records if format not in locked]
    for format in new:
        work.store.settle(work.name, format, work.version)
    files = {format: digest.of_folder(work.folder(format)) for format in new}
    return lock.write(locking.of(records, files, work.memory), work.loaded.path)


def _known_kind(work: Job) -> str | None:
    """Return the kind of model that an earlier build found, if its sources are as they were.

    A record of another version that cannot be read says nothing, and stops nothing.
    """
    for model, format, version in work.store.versions():
        if model == work.name:
            try:
                made = record.read(work.store.folder(model, format, version))
            except Refusal:
                continue
            before = dict(made.inputs.sources)
            if source_digests(work, sorted(before)) == before:
                return made.architecture.kind
    return None


def published_as(folder: Path) -> Published:
    """Return what a plan needs to know of a published version.

    Raises:
        Refusal: when its record cannot be read.
    """
    try:
        made = record.read(folder)
    except Refusal as refusal:
        hint = f"`rm -r {shown(folder)}`, then build it again"
        raise Refusal(*(replace(each, hint=hint) for each in refusal.problems)) from None
    return Published(
        inputs=made.inputs, options=made.options, metadata=digest.of_file(folder / record.FILE)
    )


def _lost(work: Job, lost: WorkerLost) -> Problem:
    message = f"the worker ended without a report: {lost.cause}"
    return work.problem(("factory",), message, f"what it printed last is in {lost.log.name}")
