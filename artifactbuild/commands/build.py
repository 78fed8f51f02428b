"""`build`: make, prove and publish what the manifests ask for."""

from __future__ import annotations

from pathlib import Path

import click

from artifactbuild import pipeline, screen
from artifactbuild.commands.options import ARTIFACTS, JSON, PATHS, jobs
from artifactbuild.data import dumps
from artifactbuild.job import Job
from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Problem, Refusal
from artifactbuild.worker.messages import Tell
from artifactbuild.worker.server import Server


@click.command("build")
@PATHS
@ARTIFACTS
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop a factory, or a validation, that takes longer.  [default: none does]",
)
@JSON
def command(
    paths: tuple[str, ...], artifacts: Path | None, timeout: float | None, as_json: bool
) -> None:
    """Build, validate and publish artifacts; what is up to date is left alone.

    Runs the factories of the project. A failed manifest publishes nothing; the others go on.
    """
    outcomes, problems, kept = _built(jobs(paths, artifacts), timeout)
    if not as_json:
        for outcome in outcomes:
            _say(outcome)
    if problems:
        raise Refusal(*problems, kept=", ".join(kept))
    if as_json:
        click.echo(dumps(outcomes), nl=False)


def _built(
    work: tuple[Job, ...], timeout: float | None
) -> tuple[list[Outcome], list[Problem], list[str]]:
    outcomes: list[Outcome] = []
    problems: list[Problem] = []
    kept: list[str] = []
    with Server(timeout=timeout) as server, screen.progress() as tell:
        for job in work:
            try:
                outcomes.append(pipeline.build(job, server, _titled(job, tell)))
            except Refusal as refusal:
                problems += refusal.problems
                kept += filter(None, [refusal.kept])
    return outcomes, problems, kept


def _titled(job: Job, tell: Tell) -> Tell:
    return lambda text: tell(f"{job.name} {job.version}: {text}")


def _say(outcome: Outcome) -> None:
    click.echo(f"{outcome.model} {outcome.version}")
    rows = [(r.format, r.outcome, f"{r.checks} checks", r.folder) for r in outcome.results]
    state = "written" if outcome.lock_changed else "unchanged"
    click.echo(screen.table([*rows, ("lock", state, "", outcome.lock)]), nl=False)
    for result in outcome.results:
        if result.note:
            click.echo(f"  {result.format}: {result.note}", err=True)
