"""Manifests built; what was built is looked at once more, and remembered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artifactbuild import examining, screen, unchanged
from artifactbuild.commands import inquiry, workers
from artifactbuild.commands.survey import Answers, Survey
from artifactbuild.commands.workers import Wish
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
    feasible: dict[Asked, Job] = {}
    for asked, job in work.items():
        refused = _refused(job, repair=wish.repair)
        problems += refused
        if not refused:
            feasible[asked] = job
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
        for processor in sorted({job.processor for job in work.values()}):
            server.of(processor).warm()
        # Cards and builders are imported while the other processor imports TensorFlow.
        from artifactbuild import building

        return building.build(work, server, tell, fail_fast=wish.fail_fast, repair=wish.repair)


def _refused(job: Job, *, repair: bool) -> tuple[Problem, ...]:
    try:
        return examining.refusals(job, examining.plan(examining.see(job)), repair=repair)
    except Refusal as refusal:
        return refusal.problems


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
