"""`build`: make, prove and publish what the manifests ask for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import click

from artifactbuild import screen
from artifactbuild.commands.arguments import ARTIFACTS, JSON, PATHS
from artifactbuild.commands.survey import Asked, survey
from artifactbuild.data import dumps
from artifactbuild.index import Answer
from artifactbuild.manifest import find
from artifactbuild.outcome import Outcome, Result
from artifactbuild.problems import Refusal


@click.command("build")
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
    "--fail-fast/--keep-going",
    help="Begin no other manifest once one has failed.  [default: go on with the others]",
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
    fail_fast: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Build, validate and publish artifacts; what is up to date is left alone.

    Runs the factories of the project. A failed manifest publishes nothing; the others go on.
    """
    found = survey(paths, artifacts)
    known = {asked: answer for asked, answer in found.answers.items() if answer.checks is not None}
    outcomes = {asked: _kept(asked, answer) for asked, answer in known.items()}
    if len(known) == len(found.asked):
        _say(tuple(outcomes.values()), as_json=as_json)
        return
    # Nobody waits for YAML, schemas and cards, let alone TensorFlow, to learn that nothing changed.
    from artifactbuild.commands import making

    wish = making.Wish(jobs=jobs, timeout=timeout, fail_fast=fail_fast)
    made = making.make(replace(found, answers=known), wish)
    outcomes |= made.outcomes
    if not (as_json and made.problems):
        _say([outcomes[asked] for asked in found.asked if asked in outcomes], as_json=as_json)
    if made.untried:
        click.echo(f"{len(made.untried)} more not tried, as --fail-fast asks", err=True)
    if made.problems:
        raise Refusal(*made.problems, kept=", ".join(made.kept))


def _kept(asked: Asked, answer: Answer) -> Outcome:
    """Return the outcome of a build that keeps everything."""
    checks = answer.checks or {}
    return Outcome(
        model=answer.model,
        version=answer.version,
        results=tuple(
            Result(
                format=(format := step["format"]),
                outcome=step["reason"],
                folder=find.shown(os.path.join(asked.root, answer.model, format, answer.version)),
                checks=checks[format],
            )
            for step in answer.plan["steps"]
        ),
        lock=find.shown(os.path.splitext(asked.manifest)[0] + ".lock"),
        lock_changed=False,
    )


def _say(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    if as_json:
        click.echo(dumps(outcomes), nl=False)
        return
    click.echo("".join(map(_told, outcomes)), nl=False)
    notes = [f"  {r.format}: {r.note}\n" for each in outcomes for r in each.results if r.note]
    click.echo("".join(notes), nl=False, err=True)


def _told(outcome: Outcome) -> str:
    rows = [(r.format, r.outcome, f"{r.checks} checks", r.folder) for r in outcome.results]
    state = "written" if outcome.lock_changed else "unchanged"
    table = screen.table([*rows, ("lock", state, "", outcome.lock)])
    return f"{outcome.model} {outcome.version}\n{table}"
