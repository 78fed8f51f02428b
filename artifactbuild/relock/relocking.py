"""A released version rebuilt, held against its lock, and accepted into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from artifactbuild import acceptance, pipeline, plan
from artifactbuild.acceptance import Change
from artifactbuild.data import encode
from artifactbuild.job import Job, inputs_now
from artifactbuild.pipeline import Order
from artifactbuild.problems import Problem, Refusal
from artifactbuild.recording import Complete
from artifactbuild.release import adoption, digest, environment, lock, questions, record
from artifactbuild.release.diff.nouns import Difference
from artifactbuild.release.lock import Lock, LockedInputs
from artifactbuild.release.record import Inputs, Record
from artifactbuild.relock import difference, facts
from artifactbuild.relock.deciding import Task
from artifactbuild.relock.outcome import Rebuilt, Relocked
from artifactbuild.worker.messages import Tell
from artifactbuild.worker.server import Server

Show = Callable[[Difference], None]

OWN_OUTPUTS = "outputs computed on this processor"
FOUND = "the lock keeps the facts of the release now, as the rebuild states them"


def relock(task: Task, server: Server, tell: Tell, show: Show) -> Relocked:
    """Rebuild a version in a staging folder; accept its inputs if all payloads are the released.

    What differs if they are not is given to `show`.

    Raises:
        Refusal: when the rebuild fails, or a payload is another one; the lock is as it was.
        WorkerLost: when a worker failed by a mistake of ours.
    """
    work = task.work
    pipeline.refuse_training(work)
    order = Order(work=work, steps=task.steps, server=server.of(work.processor), tell=tell)
    try:
        with work.store.staging(work.name, work.version) as staged:
            complete, notes = pipeline.kept_if_failed(
                order, staged, lambda made: tuple(_held(task, made, staged, server, show))
            )
            written, changes, more = _accepted(task, complete)
            changed = written is not task.memory and lock.write(written, work.loaded.path)
            work.store.forget_failed(staged, work.name, work.version)
    except OSError as error:
        raise work.store.refusal(error) from error
    return Relocked(
        model=work.name,
        version=work.version,
        manifest=work.loaded.document.file,
        accepted=changes,
        formats=tuple(
            Rebuilt(format=each.record.format, checks=len(each.here.checks), note=note)
            for each, note in zip(complete, notes, strict=True)
        ),
        notes=(*task.notes, *more),
        lock=work.lock_shown,
        lock_changed=changed,
    )


def _held(
    task: Task, complete: tuple[Complete, ...], staged: Path, server: Server, show: Show
) -> Iterator[str]:
    """Hold what was rebuilt against the lock; yield a note for each format.

    Raises:
        Refusal: when something is not what was released.
    """
    memory = task.memory
    apart = [e for e in complete if not memory.artifacts[e.record.format].is_payload(e.files)]
    if apart:
        found = difference.found(task, complete, staged, server)
        show(found)
        raise Refusal(*difference.problems(task, complete, apart, staged, server))
    problems = [*_contract(task, complete), *_questions(task, complete, staged)]
    if problems:
        raise Refusal(*problems)
    for each in complete:
        locked = memory.artifacts[each.record.format]
        own = each.files.get(record.REFERENCE) != locked.files.get(record.REFERENCE)
        yield OWN_OUTPUTS if own else ""


def _contract(task: Task, complete: tuple[Complete, ...]) -> Iterator[Problem]:
    """Find inputs and outputs that are not those of the lock."""
    work, memory = task.work, task.memory
    for each in complete:
        found = each.here
        for what, was, now in (
            ("inputs", memory.input_signature, found.input_signature),
            ("outputs", memory.output_signature, found.output_signature),
        ):
            if was != now:
                message = f"the {what} of {found.format} are not those of {work.version}"
                yield work.problem(("formats", found.format), message, _bump(work))


def _questions(task: Task, complete: tuple[Complete, ...], staged: Path) -> Iterator[Problem]:
    """Find reference inputs that are not the released ones.

    Where the released reference is not at hand, the files that the manifest names must be as they
    were: what the manifest itself says of reference inputs is.
    """
    work, memory = task.work, task.memory
    for each in complete:
        format = each.record.format
        expected = memory.artifacts[format].files.get(record.REFERENCE)
        if each.files.get(record.REFERENCE) == expected:
            continue
        released = work.folder(format) / record.REFERENCE
        if released.is_file() and digest.of_file(released) == expected:
            other = questions.of(released) != questions.of(staged / format / record.REFERENCE)
        else:
            changed = {*_sources_changed(memory.inputs, each.here.inputs)}
            named = {case.file for case in work.loaded.manifest.reference_inputs if case.file}
            other = bool(changed & named)
        if other:
            message = f"the reference inputs are not those that {work.version} was released with"
            yield work.problem(("reference_inputs",), message, _bump(work))
            return


def _sources_changed(before: Inputs, now: Inputs) -> list[str]:
    return plan.differing(before.sources, now.sources)


def _accepted(
    task: Task, complete: tuple[Complete, ...]
) -> tuple[Lock, tuple[Change, ...], tuple[str, ...]]:
    """Return the lock with today's inputs, what was accepted, and notes on the rest.

    Raises:
        Refusal: when the facts of the release are not kept, and cannot be found here.
    """
    work, memory = task.work, task.memory
    base, notes = _with_facts(task, complete)
    if base.release is None:
        if task.changes:
            raise Refusal(_no_facts(work))
        note = (
            "the facts of the release cannot be found here: the lock is of an artifactbuild that "
            "did not keep them, and stays as it is; a build is `published` all the same"
        )
        return memory, (), (note,)
    now = complete[0].here.inputs
    inputs = LockedInputs(
        manifest=_beside_texts(memory.inputs.manifest, now.manifest, plan.TEXT),
        sources=_beside_texts(memory.inputs.sources, now.sources, plan.templates(memory.inputs)),
        variables=now.variables,
        distributions=now.distributions,
        environment=_environment(memory, complete),
        stated=_stated(task, complete),
    )
    return replace(base, inputs=inputs), _told(task, inputs, complete), notes


def _with_facts(task: Task, complete: tuple[Complete, ...]) -> tuple[Lock, tuple[str, ...]]:
    """Return the lock with the facts of the release, if they are known or the rebuild has them."""
    if task.base.release is not None:
        return task.base, ()
    records = {
        each.record.format: each.record
        for each in complete
        if each.files == task.memory.artifacts[each.record.format].files
    }
    found = facts.taken(task.memory, records)
    return (found, (FOUND,)) if found is not None else (task.memory, ())


def _no_facts(work: Job) -> Problem:
    message = (
        f"the payloads are those of {work.version}, but the facts of its release cannot be found "
        "here: the lock does not keep them, and the rebuild states others"
    )
    hint = (
        f"copy the released artifacts of {work.version} to {work.store.root.name}/ and run this "
        f"again; or release a new version: `artifactbuild bump {work.loaded.document.file}`"
    )
    return work.problem(("version",), message, hint)


def _beside_texts(
    before: Mapping[str, str], now: Mapping[str, str], texts: Sequence[str] | frozenset[str]
) -> dict[str, str]:
    """Return inputs as they are now, with what only describes the model as it was."""
    kept = {name: value for name, value in before.items() if name in texts}
    rest = {name: value for name, value in now.items() if name not in texts}
    return dict(sorted({**rest, **kept}.items()))


def _environment(memory: Lock, complete: tuple[Complete, ...]) -> dict[str, str]:
    """Return what of the environment is accepted: libraries and settings, never the machine."""
    found = {n: value for each in complete for n, value in each.here.environment.items()}
    return {
        name: value
        for name, value in sorted(environment.of_libraries(found).items())
        if memory.environment.get(name, value) != value
    }


def _stated(task: Task, complete: tuple[Complete, ...]) -> dict[str, dict[str, Any]]:
    """Return what the released records state and the manifest of today says otherwise, by format.

    Raises:
        Refusal: when it says something otherwise, and a released record is not at hand.
    """
    work, before = task.work, task.memory.inputs
    now = complete[0].here.inputs.manifest
    keys = [key for key in plan.differing(before.manifest, now) if key in adoption.STATED_BY]
    if not keys:
        return {format: dict(each) for format, each in before.stated.items()}
    found: dict[str, dict[str, Any]] = {}
    problems = []
    for each in complete:
        format = each.record.format
        known = facts.released(work, format)
        if known is not None:
            found[format] = _otherwise(known, each.here)
        else:
            problems.append(_unknown(work, format, keys[0]))
    if problems:
        raise Refusal(*problems)
    return {format: stated for format, stated in found.items() if stated}


def _otherwise(released: Record, found: Record) -> dict[str, Any]:
    pairs = {key: (getattr(released, key), getattr(found, key)) for key in adoption.STATED}
    return {key: encode(was) for key, (was, now) in pairs.items() if was != now}


def _unknown(work: Job, format: str, key: str) -> Problem:
    message = (
        f"`{key}` changed, which {record.FILE} of {format} states: the released one is not here, "
        "so the lock cannot keep what it says"
    )
    hint = (
        f"copy the released artifacts of {work.version} to {work.store.root.name}/ and run this "
        f"again; or release a new version: `artifactbuild bump {work.loaded.document.file}`"
    )
    return work.problem((key,), message, hint)


def _told(task: Task, inputs: LockedInputs, complete: tuple[Complete, ...]) -> tuple[Change, ...]:
    """Return what was accepted: what had changed, and what the code reads or imports otherwise."""
    work, before = task.work, task.memory.inputs
    known = inputs_now(work, [before])
    now = replace(
        known,
        manifest=inputs.manifest,
        sources={
            name: known.sources.get(name, value) if name in before.sources else value
            for name, value in inputs.sources.items()
        },
        variables=inputs.variables,
        distributions=inputs.distributions,
    )
    libraries = {n: value for each in complete for n, value in each.here.environment.items()}
    found = acceptance.changes(task.memory, now, libraries)
    return tuple(_as_read(work, each, before, inputs) for each in found)


def _as_read(work: Job, change: Change, before: Inputs, now: Inputs) -> Change:
    """Say of a source whether it changed, or only whether it is read."""
    name = change.name
    if change.kind != acceptance.SOURCE or (name in before.sources and name in now.sources):
        return change
    if name not in before.sources:
        return replace(change, what=f"{name} is read now")
    there = (work.loaded.path.parent / name).exists()
    return replace(change, what=f"{name} is not read any more") if there else change


def _bump(work: Job) -> str:
    return f"release it under a new version: `artifactbuild bump {work.loaded.document.file}`"
