"""`build`: make, prove and publish what the manifests ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import click

from artifactbuild.commands import telling
from artifactbuild.commands.arguments import ARTIFACTS, JSON, PATHS
from artifactbuild.commands.survey import survey
from artifactbuild.data import dumps
from artifactbuild.outcome import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.unchanged import Looked


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
@click.pass_obj
def command(
    looked: Looked | None,
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
    found = survey(paths, artifacts, looked)
    known = {asked: answer for asked, answer in found.answers.items() if answer.checks is not None}
    outcomes = {asked: telling.kept(asked, answer) for asked, answer in known.items()}
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


def _say(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    if as_json:
        click.echo(dumps(outcomes), nl=False)
        return
    click.echo("".join(map(telling.built, outcomes)), nl=False)
    notes = [f"  {r.format}: {r.note}\n" for each in outcomes for r in each.results if r.note]
    click.echo("".join(notes), nl=False, err=True)
