"""`plan`: what a build would do, and why."""

from __future__ import annotations

from pathlib import Path

import click

from artifactbuild import pipeline, plan, screen
from artifactbuild.commands.options import ARTIFACTS, FORMAT, JSON, PATHS, jobs
from artifactbuild.data import dumps
from artifactbuild.job import Job
from artifactbuild.plan import Plan

GOOD, REFUSED, TO_BUILD = 0, 1, 2


@click.command("plan")
@PATHS
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit 1 when something would be refused, else 2 when something would be built.",
)
@FORMAT
@ARTIFACTS
@JSON
def command(
    paths: tuple[str, ...], exit_code: bool, style: str, artifacts: Path | None, as_json: bool
) -> int:
    """Say what would be built, kept or refused, and why.

    Runs no code of the project and does not start TensorFlow.
    """
    plans = [(job, pipeline.plan(job)) for job in jobs(paths, artifacts)]
    if as_json:
        click.echo(dumps([made for _, made in plans]), nl=False)
    else:
        for job, made in plans:
            _say(job, made, style)
    return _code([made for _, made in plans]) if exit_code else GOOD


def _say(job: Job, made: Plan, style: str) -> None:
    if style == screen.GITHUB:
        click.echo("".join(_annotations(job, made)), nl=False)
        return
    click.echo(f"{made.model} {made.version}: {_summary(job, made)}")
    click.echo(screen.table([(s.format, s.action, s.reason) for s in made.steps]), nl=False)


def _annotations(job: Job, made: Plan) -> list[str]:
    """Return what would be refused as errors, what would be built as one notice."""
    refused = [screen.annotation(problem) for problem in pipeline.refusals(job, made)]
    building = [step.format for step in made.of(plan.BUILD)]
    if refused or not building:
        return refused
    message = f"{made.model} {made.version} would be built: {', '.join(building)}"
    hint = f"`artifactbuild build {job.loaded.document.file}`"
    return [screen.annotation(job.problem(("version",), message, hint), screen.NOTICE)]


def _summary(job: Job, made: Plan) -> str:
    """Say it in a line, with the command that comes next."""
    file = job.loaded.document.file
    refused, building = made.of(plan.REFUSE), made.of(plan.BUILD)
    kept = f", {len(made.of(plan.KEEP))} kept" if made.of(plan.KEEP) else ""
    if any(step.impossible for step in refused):
        return f"{len(refused)} of {len(made.steps)} formats cannot be made"
    if refused:
        return f"released, and changed since then (`artifactbuild bump {file}`)"
    if building:
        return f"{len(building)} to build{kept} (`artifactbuild build {file}`)"
    return f"nothing to build{kept}"


def _code(plans: list[Plan]) -> int:
    if any(made.of(plan.REFUSE) for made in plans):
        return REFUSED
    return TO_BUILD if any(made.of(plan.BUILD) for made in plans) else GOOD
