"""Versions that another branch released: looked up for those that the lock here does not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from artifactbuild import history, plan
from artifactbuild.history import Elsewhere, History, Released, Wanted
from artifactbuild.job import Job, inputs_now
from artifactbuild.plan import BUILD, REFUSE, Plan

K = TypeVar("K")


def joined(work: Mapping[K, Job], *, released_too: bool = False) -> dict[K, Job]:
    """Return manifests with what git tells of their versions, asked once for all of them.

    Asked is of versions that the lock does not have; with `released_too`, of all others as well.
    """
    asked = {key: wanted(job) for key, job in work.items() if released_too or job.memory is None}
    if not asked:
        return dict(work)
    found = history.look(asked.values())
    return {
        key: _with(job, found[asked[key]]) if key in asked else job for key, job in work.items()
    }


def wanted(job: Job) -> Wanted:
    """Return what is asked of git: of a version in the lock, who released another payload."""
    locked = job.memory
    return Wanted(
        project=job.loaded.project,
        model=job.name,
        version=job.version,
        payloads=history.payloads(locked) if locked is not None else None,
    )


def skipped(work: Iterable[Job]) -> tuple[str, ...]:
    """Return why git was not asked, each reason once."""
    return tuple(dict.fromkeys(job.history.skipped for job in work if job.history.skipped))


def held(made: Plan, job: Job) -> Plan:
    """Return a plan that builds no version which others released from other inputs."""
    reused = job.reused
    if reused is None or job.memory is not None:
        return made
    what = "; ".join(reused.changes)
    reason = f"{job.version} was released by {reused.released.by} from other inputs: {what}"
    steps = (
        replace(step, action=REFUSE, reason=reason, changes=reused.changes)
        if step.action == BUILD
        else step
        for step in made.steps
    )
    return replace(made, steps=tuple(steps))


def _with(job: Job, found: History) -> Job:
    elsewhere = tuple(
        Elsewhere(released=each, changes=tuple(_changes(job, each))) for each in found.released
    )
    return replace(job, history=found, elsewhere=elsewhere)


def _changes(job: Job, released: Released) -> Iterator[str]:
    """Say what was other when a version was released elsewhere than it is here now."""
    if job.memory is not None:
        yield "its payload differs"
        return
    lock = released.lock
    if lock is None:
        yield "its lock cannot be read"
        return
    yield from plan.changes(lock.inputs, inputs_now(job, [lock.inputs]))
    for request in job.loaded.manifest.formats:
        locked = lock.artifacts.get(request.name)
        if locked is not None and dict(locked.options) != dict(request.options):
            yield f"the options of {request.name} changed"
