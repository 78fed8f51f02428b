"""The stages in order: plan, build, prove, record, publish, lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from artifactbuild import examining, holding, proving, recording, same_payload
from artifactbuild import plan as planning
from artifactbuild.data import decode
from artifactbuild.holding import Finding
from artifactbuild.job import Job, shown
from artifactbuild.manifest import import_time
from artifactbuild.outcome import Outcome, Result
from artifactbuild.plan import Plan, Step
from artifactbuild.problems import Problem, Refusal, WorkerLost
from artifactbuild.recording import Complete
from artifactbuild.release import digest, durable, environment, lock, locking, measured, record
from artifactbuild.release.digest import Hashed
from artifactbuild.release.record import Record
from artifactbuild.resources import templates
from artifactbuild.worker import room
from artifactbuild.worker.installation import Broken
from artifactbuild.worker.messages import BuildReport, BuildRequest, Take, Tell
from artifactbuild.worker.server import Server

__all__ = ["Finished", "Order", "Outcome", "Result", "Wish", "build", "plan", "proven"]

REPAIRED = "repaired"

Found = TypeVar("Found")
"""What is found when a rebuild is held against its lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a build may do beside making what is missing.

    To `repair` is to replace what is damaged by the bytes that the lock names. To
    `accept_different` is to publish another payload than the released one, where the environment
    is another one, too.
    """

    repair: bool = False
    accept_different: bool = False


PLAIN = Wish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be made: the steps of one manifest, and the server whose workers make them."""

    work: Job
    steps: tuple[Step, ...]
    server: Server
    tell: Tell

    @property
    def damaged(self) -> frozenset[str]:
        """The formats that replace damaged versions."""
        return frozenset(s.format for s in self.steps if s.action == planning.DAMAGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What became of a manifest, and the large files that it published, as they were hashed."""

    outcome: Outcome
    known: Mapping[Path, Hashed]


def plan(work: Job) -> Plan:
    """Decide what would be done; reads digests, imports nothing of the project."""
    return examining.plan(examining.see(work))


def build(work: Job, server: Server, tell: Tell, wish: Wish = PLAIN) -> Finished:
    """Carry a manifest's plan out: build, prove, record, publish, lock.

    Raises:
        Refusal: with located problems; nothing was published.
        WorkerLost: when a worker failed by a mistake of ours.
    """
    made = plan(work)
    refused = examining.refusals(work, made, repair=wish.repair)
    if refused:
        raise Refusal(*refused)
    steps = tuple(s for s in made.steps if s.action in (planning.BUILD, planning.DAMAGED))
    order = Order(work=work, steps=steps, server=server.of(work.processor), tell=tell)
    kept = tuple(_kept(work, step) for step in made.of(planning.KEEP))
    reused = same_payload.reusable(work, steps)
    if steps and not reused:
        refuse_training(work)
    fresh = _made(order, wish, reused) if steps else {}
    names = [step.format for step in made.steps]
    results = tuple(sorted((*kept, *fresh), key=lambda result: names.index(result.format)))
    files = {result.format: complete.files for result, complete in fresh.items()}
    outcome = Outcome(
        model=work.name,
        version=work.version,
        results=results,
        lock=work.lock_shown,
        lock_changed=_write_lock(work, results, files),
        measured=holding.measured(tuple(fresh.values())),
    )
    known = {
        work.folder(result.format) / name: hashed
        for result, complete in fresh.items()
        for name, hashed in complete.large.items()
    }
    return Finished(outcome=outcome, known=known)


def needs_workers(work: Job) -> bool:
    """Tell whether carrying a plan out takes more than a copy of the last version's payloads."""
    if work.lock is None or work.lock.version == work.version:
        return True
    return not same_payload.reusable(work, plan(work).of(planning.BUILD))


def refuse_training(work: Job) -> None:
    """Refuse a factory whose module would train and write when it is imported.

    Raises:
        Refusal: at the line of the factory.
    """
    module, loaded = work.loaded.manifest.factory.module, work.loaded
    found = import_time.training(module, loaded.path.parent, loaded.project)
    if found is not None:
        raise Refusal(work.problem(("factory",), found.told(loaded.project), import_time.CURE))


def _made(order: Order, wish: Wish, reused: tuple[Record, ...]) -> Mapping[Result, Complete]:
    """Stage, prove and publish; what was staged is kept when it cannot be proven.

    What is `reused` was proven under the name of the last version.
    """
    work, damaged = order.work, order.damaged
    for step in order.steps:
        if step.format not in damaged:
            work.store.refuse_obstacles(work.name, step.format, work.version)
    try:
        with work.store.staging(work.name, work.version) as staged:
            if reused:
                complete, findings = _taken(order, reused, staged)
            else:
                complete, findings = kept_if_failed(
                    order,
                    staged,
                    lambda made: holding.against_lock(
                        work, made, damaged=damaged, accept_different=wish.accept_different
                    ),
                )
            order.tell("publishing")
            for each in complete:
                durable.seal(staged / each.record.format)
            results = dict(
                _replace(work, each, staged)
                if each.record.format in damaged
                else _publish(work, each, staged, findings.get(each.record.format, Finding()))
                for each in complete
            )
            for each in complete:
                if each.own is not None:
                    measured.keep(work.store.root, each.own)
            work.store.forget_failed(staged, work.name, work.version)
            return results
    except OSError as error:
        raise work.store.refusal(error) from error


def _taken(
    order: Order, reused: tuple[Record, ...], staged: Path
) -> tuple[tuple[Complete, ...], Mapping[str, Finding]]:
    """Copy the payloads of the last version."""
    date = recording.moment(order.work)
    complete = tuple(same_payload.taken(order.work, made, staged, date) for made in reused)
    note = f"the payload is that of {reused[0].version}, only texts changed since"
    return complete, {made.format: Finding(note=note) for made in reused}


def kept_if_failed(
    order: Order, staged: Path, hold: Callable[[tuple[Complete, ...]], Found]
) -> tuple[tuple[Complete, ...], Found]:
    """Build, prove and hold against the lock; keep what was staged for a look when that fails.

    Raises:
        Refusal: with located problems, and the folder where what was staged is kept.
        WorkerLost: when a worker failed by a mistake of ours.
    """
    work, server = order.work, order.server
    try:
        complete = proven(order, staged)
        findings = hold(complete)
    except Broken:
        raise
    except WorkerLost as lost:
        if server.ended:
            raise
        _refuse_broken(order.steps, server)
        full, kept = work.store.shortage(), _kept_for_a_look(work, staged)
        if lost.bug and not full:
            raise WorkerLost(lost.cause, Path(kept, lost.log.name), bug=True) from None
        raise Refusal(*full, _lost(work, lost), kept=kept) from None
    except Refusal as refusal:
        if any(
            "ImportError" in p.message or "NotFoundError" in p.message for p in refusal.problems
        ):
            _refuse_broken(order.steps, server)
        full, kept = work.store.shortage(), _kept_for_a_look(work, staged)
        raise Refusal(*full, *refusal.problems, kept=kept) from None
    return complete, findings


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


def proven(order: Order, staged: Path) -> tuple[Complete, ...]:
    """Build, prove and record every format; nothing is published yet."""
    with proving.Proof(order.work, order.steps, staged, order.server, order.tell) as proof:
        report = _built(order, staged, proof.take)
        return proof.finish(report)


def _built(order: Order, staged: Path, take: Take) -> BuildReport:
    """Run the builder; its findings become problems located in the manifest."""
    work, steps = order.work, order.steps
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
    answer = order.server.run(
        "build", request, log, order.tell, take, need=need, confinement=confinement
    )
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


def _publish(work: Job, made: Complete, staged: Path, finding: Finding) -> tuple[Result, Complete]:
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
    result = Result(
        format=format,
        outcome=finding.outcome or outcome,
        folder=shown(work.folder(format)),
        checks=len(made.record.checks),
        note=finding.note,
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
