"""What there is to accept, and whether that needs a build. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from artifactbuild import acceptance, examining
from artifactbuild import plan as planning
from artifactbuild.acceptance import Change
from artifactbuild.job import Job, inputs_now, leaving, source_digests
from artifactbuild.plan import Step
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import environment, lock
from artifactbuild.release.lock import Lock
from artifactbuild.release.sources import ABSENT, PRESENT
from artifactbuild.release.store import HIDDEN
from artifactbuild.relock import facts
from artifactbuild.relock.outcome import Relocked
from artifactbuild.worker.settings import recorded

NOTHING = "nothing to accept: the inputs and the environment are those of the lock"
ADDED = "the lock keeps the facts of the release now, as the published records state them"
RENEWED = "Python sources are compared by their code from now on, not by their bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A version that must be rebuilt, and the lock to write if its payload is the same.

    `base` has the facts of the release where they are known; `notes` say what it has already.
    """

    work: Job
    memory: Lock
    base: Lock
    steps: tuple[Step, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


def decide(work: Job) -> Task | Relocked:
    """Return what must be rebuilt; or what became of the lock, where that needs no build.

    Raises:
        Refusal: when something changed that no rebuild can show to change nothing.
    """
    memory = _released(work)
    problems = [*acceptance.breaches(work)]
    changes = acceptance.changes(
        memory,
        inputs_now(work, [memory.inputs]),
        environment.here(recorded(work.processor), work.formats),
    )
    if changes:
        problems += [*_not_rebuilt(work, memory)]
    if problems:
        raise Refusal(*problems)
    base, notes = _with_facts(work, memory)
    steps, notes = tuple(_steps(work, memory)), (*notes, *_unbuilt(work, memory))
    if changes or (base is None and steps):
        return Task(
            work=work,
            memory=memory,
            base=base or memory,
            steps=steps,
            changes=changes,
            notes=notes,
        )
    base = base or memory
    written = _renewed(work, base)
    renewed = written.inputs != base.inputs
    changed = written != memory and lock.write(written, work.loaded.path)
    return Relocked(
        model=work.name,
        version=work.version,
        manifest=work.loaded.document.file,
        notes=(*([RENEWED] if renewed else []), *([] if changed else [NOTHING]), *notes),
        lock=work.lock_shown,
        lock_changed=changed,
    )


def _released(work: Job) -> Lock:
    """Return the lock of the version.

    Raises:
        Refusal: when it was never built.
    """
    if work.memory is not None:
        return work.memory
    why = f"the lock is of {work.lock.version}" if work.lock is not None else "there is no lock"
    message = f"{work.version} was never built: {why}, and nothing to accept into it"
    hint = f"run `artifactbuild build {work.loaded.document.file}`"
    raise Refusal(work.problem(("version",), message, hint))


def _not_rebuilt(work: Job, memory: Lock) -> Iterator[Problem]:
    """Yield a problem for each reason why a rebuild could not show all that was released."""
    file = work.loaded.document.file
    for name in memory.artifacts:
        if name not in work.formats:
            message = (
                f"{name} was released in {work.version}, and is not asked for any more: what is "
                "not rebuilt cannot be shown to be the same"
            )
            hint = f"ask for {name} again, or drop it in a new version: `artifactbuild bump {file}`"
            yield work.problem(("formats",), message, hint)
        elif rewritten := planning.rewriting(name, memory):
            yield work.problem(("formats", name), rewritten, examining.restoring(work))
    inside = ["", *HIDDEN]
    yield from leaving(work.store, work.loaded.project, inside)


def _with_facts(work: Job, memory: Lock) -> tuple[Lock | None, tuple[str, ...]]:
    """Return the lock with the facts of the release; None where they are not at hand."""
    if memory.release is not None:
        return memory, ()
    found = facts.published(work, memory)
    return found, (ADDED,) if found is not None else ()


def _unbuilt(work: Job, memory: Lock) -> Iterator[str]:
    """Say of formats that are not released yet that they are not built by this."""
    names = [name for name in work.formats if name not in memory.artifacts]
    if names:
        yield (
            f"{', '.join(names)}: not in the lock of {work.version}, and not built by this "
            f"(`artifactbuild build {work.loaded.document.file}`)"
        )


def _renewed(work: Job, base: Lock) -> Lock:
    """Return a lock whose sources have digests of today's kind; all of them are as they were."""
    files = [
        name
        for name, was in base.inputs.sources.items()
        if was not in (ABSENT, PRESENT) and not name.endswith("/")
    ]
    sources = {**base.inputs.sources, **source_digests(work, files)}
    return replace(base, inputs=replace(base.inputs, sources=sources))


def _steps(work: Job, memory: Lock) -> Iterator[Step]:
    for request in work.loaded.manifest.formats:
        if request.name in memory.artifacts:
            yield Step(
                format=request.name,
                options=request.options,
                action=planning.BUILD,
                reason="to hold its payload against the lock",
            )
