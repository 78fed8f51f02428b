"""The stages in order: plan, build, prove, record, publish, lock."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from artifactbuild import examining, proving, recording
from artifactbuild import plan as planning
from artifactbuild.data import decode
from artifactbuild.job import Job, shown
from artifactbuild.manifest import import_time
from artifactbuild.outcome import Outcome, Result
from artifactbuild.plan import Plan, Step
from artifactbuild.problems import Problem, Refusal, WorkerLost
from artifactbuild.recording import Complete
from artifactbuild.release import digest, durable, environment, lock, locking, record
from artifactbuild.release.digest import Hashed
from artifactbuild.resources import templates
from artifactbuild.worker import room
from artifactbuild.worker.installation import Broken
from artifactbuild.worker.messages import BuildReport, BuildRequest, Take, Tell
from artifactbuild.worker.server import Server

__all__ = ["Finished", "Outcome", "Result", "build", "plan"]

UNLIKE_LOCK = "published, unlike the lock"
REPAIRED = "repaired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What became of a manifest, and the large files that it published, as they were hashed."""

    outcome: Outcome
    known: Mapping[Path, Hashed]


def plan(work: Job) -> Plan:
    """Decide what would be done; reads digests, imports nothing of the project."""
    return examining.plan(examining.see(work))


def build(work: Job, server: Server, tell: Tell, *, repair: bool = False) -> Finished:
    """Carry a manifest's plan out: build, prove, record, publish, lock.

    To `repair` is to replace what is damaged by the bytes that the lock names.

    Raises:
        Refusal: with located problems; nothing was published.
        WorkerLost: when a worker failed by a mistake of ours.
    """
    made = plan(work)
    refused = examining.refusals(work, made, repair=repair)
    if refused:
        raise Refusal(*refused)
    steps = tuple(s for s in made.steps if s.action in (planning.BUILD, planning.DAMAGED))
    if steps:
        _refuse_training(work)
    kept = tuple(_kept(work, step) for step in made.of(planning.KEEP))
    fresh = _made(work, steps, server.of(work.processor), tell) if steps else {}
    order = [step.format for step in made.steps]
    results = tuple(sorted((*kept, *fresh), key=lambda result: order.index(result.format)))
    files = {result.format: complete.files for result, complete in fresh.items()}
    outcome = Outcome(
        model=work.name,
        version=work.version,
        results=results,
        lock=work.lock_shown,
        lock_changed=_write_lock(work, results, files),
    )
    known = {
        work.folder(result.format) / name: hashed
        for result, complete in fresh.items()
        for name, hashed in complete.large.items()
    }
    return Finished(outcome=outcome, known=known)


def _refuse_training(work: Job) -> None:
    """Refuse a factory whose module would train and write when it is imported."""
    module, loaded = work.loaded.manifest.factory.module, work.loaded
    found = import_time.training(module, loaded.path.parent, loaded.project)
    if found is not None:
        raise Refusal(work.problem(("factory",), found.told(loaded.project), import_time.CURE))


def _made(
    work: Job, steps: tuple[Step, ...], server: Server, tell: Tell
) -> Mapping[Result, Complete]:
    """Stage, prove and publish; what was staged is kept when it cannot be proven."""
    damaged = _damaged(steps)
    for step in steps:
        if step.format not in damaged:
            work.store.refuse_obstacles(work.name, step.format, work.version)
    try:
        with work.store.staging(work.name, work.version) as staged:
            complete, notes = _kept_if_failed(work, steps, staged, server, tell)
            tell("publishing")
            for each in complete:
                durable.seal(staged / each.record.format)
            results = dict(
                _replace(work, each, staged)
                if each.record.format in damaged
                else _publish(work, each, staged, notes)
                for each in complete
            )
            work.store.forget_failed(staged, work.name, work.version)
            return results
    except OSError as error:
        raise work.store.refusal(error) from error


def _kept_if_failed(
    work: Job, steps: tuple[Step, ...], staged: Path, server: Server, tell: Tell
) -> tuple[tuple[Complete, ...], Mapping[str, str]]:
    """Build, prove and record; keep what was staged for a look when that fails."""
    try:
        return _proven(work, steps, staged, server, tell)
    except Broken:
        raise
    except WorkerLost as lost:
        if server.ended:
            raise
        _refuse_broken(steps, server)
        full, kept = work.store.shortage(), _kept_for_a_look(work, staged)
        if lost.bug and not full:
            raise WorkerLost(lost.cause, Path(kept, lost.log.name), bug=True) from None
        raise Refusal(*full, _lost(work, lost), kept=kept) from None
    except Refusal as refusal:
        if any(
            "ImportError" in p.message or "NotFoundError" in p.message for p in refusal.problems
        ):
            _refuse_broken(steps, server)
        full, kept = work.store.shortage(), _kept_for_a_look(work, staged)
        raise Refusal(*full, *refusal.problems, kept=kept) from None


def _refuse_broken(steps: tuple[Step, ...], server: Server) -> None:
    """Refuse a library of a format that cannot be imported, rather than blame a manifest."""
    extra = [name for step in steps for name in environment.OF_FORMATS.get(step.format, ())]
    broken = server.broken(extra)
    if broken is not None:
        raise broken


def _kept_for_a_look(work: Job, staged: Path) -> str:
    """Keep what was staged; a disk that cannot must not hide why the build failed."""
    with suppress(OSError):
        return shown(work.store.keep_failed(staged, work.name, work.version))
    return ""


def _proven(
    work: Job, steps: tuple[Step, ...], staged: Path, server: Server, tell: Tell
) -> tuple[tuple[Complete, ...], Mapping[str, str]]:
    """Build, prove and record every format; nothing is published yet."""
    with proving.Proof(work, steps, staged, server, tell) as proof:
        report = _built(work, steps, staged, server, tell, proof.take)
        complete = proof.finish(report)
    return complete, recording.held_against_lock(work, complete, _damaged(steps))


def _built(
    work: Job, steps: tuple[Step, ...], staged: Path, server: Server, tell: Tell, take: Take
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
    need = room.of_model(_expected_size(work))
    confinement, log = work.confinement(str(staged)), staged / "build.log"
    answer = server.run("build", request, log, tell, take, need=need, confinement=confinement)
    report = decode(BuildReport, answer)
    if report.findings:
        raise Refusal(*(work.problem(f.path, f.message, f.hint) for f in report.findings))
    return report


def _expected_size(work: Job) -> int:
    """Return how many bytes a model may hold: its weights file's, or what was locked last."""
    manifest, locked = work.loaded.manifest, work.lock.artifacts.values() if work.lock else ()
    sizes = [each.size for each in locked]
    if manifest.weights is not None:
        sizes.append((work.loaded.path.parent / manifest.weights.path).stat().st_size)
    return max(sizes, default=0)


def _publish(
    work: Job, made: Complete, staged: Path, notes: Mapping[str, str]
) -> tuple[Result, Complete]:
    """Publish one format; of two builders at once, the later takes the date of the earlier."""
    format = made.record.format
    folder = staged / format
    made = recording.dated(work, made, folder)
    try:
        outcome = work.store.publish(folder, work.name, format, work.version)
    except Refusal:
        again = recording.dated(work, made, folder)
        if again == made:
            raise
        made, outcome = again, work.store.publish(folder, work.name, format, work.version)
    note = notes.get(format, "")
    result = Result(
        format=format,
        outcome=UNLIKE_LOCK if note else outcome,
        folder=shown(work.folder(format)),
        checks=len(made.record.checks),
        note=note,
    )
    return result, made


def _replace(work: Job, made: Complete, staged: Path) -> tuple[Result, Complete]:
    """Publish one format in place of a damaged version; its bytes are those of the lock."""
    format = made.record.format
    kept = work.store.replace(staged / format, work.name, format, work.version, dict(made.files))
    note = ""
    if kept is not None:
        names = ", ".join(filter(None, kept.files))
        note = f"what was there instead is kept in {shown(kept.folder)}{names and f': {names}'}"
    result = Result(
        format=format,
        outcome=REPAIRED,
        folder=shown(work.folder(format)),
        checks=len(made.record.checks),
        note=note,
    )
    return result, made


def _damaged(steps: tuple[Step, ...]) -> frozenset[str]:
    return frozenset(step.format for step in steps if step.action == planning.DAMAGED)


def _kept(work: Job, step: Step) -> Result:
    folder = work.folder(step.format)
    return Result(
        format=step.format,
        outcome=step.reason,
        folder=shown(folder),
        checks=len(record.read(folder).checks),
    )


def _write_lock(
    work: Job, results: tuple[Result, ...], files: Mapping[str, Mapping[str, str]]
) -> bool:
    """Bring the lock up to what is published; what it says already stands.

    `files` are the digests of what was published now, by format.
    """
    records = {r.format: record.read(work.folder(r.format)) for r in results}
    locked = work.memory.artifacts if work.memory else {}
    new = [format for format in records if format not in locked]
    for format in new:
        work.store.settle(work.name, format, work.version)
    older = digest.of_folders(
        {format: work.folder(format) for format in new if format not in files}
    )
    return lock.write(locking.of(records, {**files, **older}, work.memory), work.loaded.path)


def _lost(work: Job, lost: WorkerLost) -> Problem:
    message = f"the worker ended without a report: {lost.cause}"
    return work.problem(("factory",), message, f"what it printed last is in {lost.log.name}")
