"""`relock`: accept into a lock what changed around a released version, and not in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from artifactbuild import building, screen
from artifactbuild.commands import inquiry, workers
from artifactbuild.commands.arguments import ARTIFACTS, JSON, PATHS
from artifactbuild.commands.survey import Answers, survey
from artifactbuild.commands.workers import Wish
from artifactbuild.data import encode
from artifactbuild.job import Job
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release.diff.nouns import Difference
from artifactbuild.relock import deciding, difference, relocking
from artifactbuild.relock.deciding import Task
from artifactbuild.relock.outcome import Relocked
from artifactbuild.unchanged import Asked

GOOD, EXPECTED = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of all locks, and what differs where a payload is not the released one."""

    outcomes: Mapping[Asked, Relocked]
    differences: Mapping[Asked, Difference]
    problems: tuple[Problem, ...]
    kept: tuple[str, ...] = ()


@click.command("relock")
@PATHS
@ARTIFACTS
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many workers may run at once.  [default: one for each processor]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop a factory, or a validation, that takes longer.  [default: none does]",
)
@JSON
def command(
    paths: tuple[str, ...],
    artifacts: str | None,
    jobs: int | None,
    timeout: float | None,
    as_json: bool,
) -> int:
    """Accept what changed since a version was released, if the model is still the same.

    Rebuilds the version in a staging folder from today's sources and libraries, with all its
    validation, and publishes nothing. Where every payload is the released one, the lock accepts
    today's inputs, and nothing else in it changes. Where one is not, the lock stays as it is.
    """
    found = replace(survey(paths, artifacts, None), answers=Answers({}))
    work, problems = inquiry.read(found)
    ended = _relocked(work, problems, Wish(jobs=jobs, timeout=timeout, fail_fast=False))
    in_order = [each for each in found.asked if each in work]
    if as_json:
        screen.answer(_data(in_order, ended))
        return EXPECTED if ended.problems else GOOD
    for asked in in_order:
        if asked in ended.outcomes:
            screen.say(_told(ended.outcomes[asked]))
        if asked in ended.differences:
            screen.document(difference.text(ended.differences[asked]))
    if ended.problems:
        raise Refusal(*ended.problems, kept=", ".join(ended.kept))
    return GOOD


def _relocked(work: Mapping[Asked, Job], unread: tuple[Problem, ...], wish: Wish) -> Ended:
    """Decide of every manifest; rebuild those that need it, many at once, by one server."""
    outcomes: dict[Asked, Relocked] = {}
    tasks: dict[Asked, Task] = {}
    problems = [*unread]
    for asked, job in work.items():
        try:
            decided = deciding.decide(job)
        except Refusal as refusal:
            problems += refusal.problems
        else:
            if isinstance(decided, Task):
                tasks[asked] = decided
            else:
                outcomes[asked] = decided
    if not tasks:
        return Ended(outcomes=outcomes, differences={}, problems=tuple(problems))
    built = _rebuilt(work, tasks, wish)
    return replace(
        built, outcomes={**outcomes, **built.outcomes}, problems=(*problems, *built.problems)
    )


def _rebuilt(work: Mapping[Asked, Job], tasks: Mapping[Asked, Task], wish: Wish) -> Ended:
    differences: dict[Asked, Difference] = {}
    with workers.server(wish) as server, screen.progress() as tell:
        for processor in sorted({work[asked].processor for asked in tasks}):
            server.of(processor).warm()

        def do(asked: Asked) -> Relocked:
            """Rebuild one version, and keep how it differs."""
            titled = building.titled(work[asked], tell)
            return relocking.relock(
                tasks[asked], server, titled, lambda each: differences.update({asked: each})
            )

        outcomes, refused = building.at_once({asked: asked for asked in tasks}, server, do)
    return Ended(
        outcomes=outcomes,
        differences=differences,
        problems=refused.problems,
        kept=refused.kept,
    )


def _told(ended: Relocked) -> list[str]:
    """Return lines on what was accepted, what was rebuilt for it, and the lock."""
    state = "written" if ended.lock_changed else "unchanged"
    rows = [
        *((each.kind, "accepted", each.what) for each in ended.accepted),
        *((each.format, "same payload", _proof(each.checks, each.note)) for each in ended.formats),
        ("lock", state, ended.lock),
    ]
    notes = [f"  {note}" for note in ended.notes]
    return [f"{ended.model} {ended.version}", *screen.table(rows), *notes]


def _proof(checks: int, note: str) -> str:
    return f"{checks} checks" + (f" ({note})" if note else "")


def _data(asked: Sequence[Asked], ended: Ended) -> dict[str, Any]:
    """Return plain data; of a difference, what differs and not all that both sides say."""
    return {
        "versions": [ended.outcomes[each] for each in asked if each in ended.outcomes],
        "differences": [
            {
                **encode(replace(found, before=None, after=None)),
                "model": found.after.model if found.after else "",
                "version": found.after.version if found.after else "",
            }
            for each in asked
            if (found := ended.differences.get(each)) is not None
        ],
        "problems": list(ended.problems),
        "kept": ", ".join(ended.kept) or None,
    }
