"""Manifests built; what was built is looked at once more, and remembered."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artifactbuild import examining, screen, unchanged
from artifactbuild.commands import inquiry, workers
from artifactbuild.commands.survey import Answers, Survey
from artifactbuild.commands.workers import Wish
from artifactbuild.data import encode
from artifactbuild.index.answers import TICK, Index
from artifactbuild.job import Job
from artifactbuild.outcome import Outcome
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release.fingerprint import glance
from artifactbuild.unchanged import Asked

if TYPE_CHECKING:
    from artifactbuild.building import Built
    from artifactbuild.release.digest import Hashed
    from artifactbuild.worker.server import Server


MANY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of manifests, with the problems of those that failed."""

    outcomes: Mapping[Asked, Outcome]
    problems: tuple[Problem, ...]
    kept: tuple[str, ...] = ()
    untried: tuple[Asked, ...] = ()


def make(found: Survey, wish: Wish, started: Server | None) -> Made:
    """Build every manifest that has no answer, by a server that was started if one was."""
    work, problems = inquiry.read(found)
    refused = {asked: _refused(job, repair=wish.repair) for asked, job in work.items()}
    feasible = {asked: job for asked, job in work.items() if not refused[asked]}
    problems += _once(found, work, refused)
    if not feasible or (problems and wish.fail_fast):
        return Made(outcomes={}, problems=problems, untried=tuple(feasible))
    built = _built(feasible, wish, started)
    _remember(tuple(built.outcomes), built.known)
    return Made(
        outcomes=built.outcomes,
        problems=(*problems, *built.problems),
        kept=built.kept,
        untried=built.untried,
    )


def _built(work: Mapping[Asked, Job], wish: Wish, started: Server | None) -> Built[Asked]:
    with (
        workers.server(wish) if started is None else nullcontext(started) as server,
        screen.progress() as tell,
    ):
        # Cards and builders are imported while the other processor imports TensorFlow.
        _warm(server, [j for j in work.values() if j.lock is None or j.lock.version == j.version])
        from artifactbuild import building, pipeline

        _warm(server, [job for job in work.values() if pipeline.needs_workers(job)])
        own = pipeline.Wish(repair=wish.repair, accept_different=wish.accept_different)
        return building.build(work, server, tell, wish=own, fail_fast=wish.fail_fast)


def _warm(server: Server, work: Sequence[Job]) -> None:
    """Start to import TensorFlow, under the settings of each processor that is asked for."""
    for processor in sorted({job.processor for job in work}):
        server.of(processor).warm()


def _refused(job: Job, *, repair: bool) -> tuple[Problem, ...]:
    try:
        return examining.refusals(job, examining.plan(examining.see(job)), repair=repair)
    except Refusal as refusal:
        return refusal.problems


def _once(
    found: Survey, work: Mapping[Asked, Job], refused: Mapping[Asked, tuple[Problem, ...]]
) -> tuple[Problem, ...]:
    """Return problems; what many manifests have by one cause is one of them, as `check` has it."""
    if sum(map(bool, refused.values())) < MANY:
        return tuple(problem for problems in refused.values() for problem in problems)
    from artifactbuild.commands import sharing
    from artifactbuild.review import drift

    errors = {
        asked: [encode(each) for each in drift.committed(work[asked]) if each.error]
        for asked, problems in refused.items()
        if len(problems) == 1
    }
    known = [each for own in errors.values() for each in own if each.get("shared")]
    own = {id(each) for each in sharing.alone(known)}
    once = [
        asked
        for asked, each in errors.items()
        if each and all(one.get("shared") and id(one) not in own for one in each)
    ]
    shared = [each for asked in once for each in errors[asked]]
    return (
        *(p for asked, problems in refused.items() if asked not in once for p in problems),
        *sharing.of_many(shared, len(found.asked), found.arguments),
    )


def _remember(asked: tuple[Asked, ...], known: Mapping[Path, Hashed]) -> None:
    """Look again at what was built, once the clock has left the moment of the last write."""
    time.sleep(3 * TICK / 1e9)
    made_by = glance()
    indexes = {
        root: Index(root, file, made_by) for root, file in unchanged.index_files(asked).items()
    }
    for index in indexes.values():
        index.begin()
    inquiry.inquire(Survey(asked=asked, indexes=indexes, answers=Answers({})), known)
