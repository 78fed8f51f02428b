"""`plan`: what a build would do, and why."""

from __future__ import annotations

from pathlib import Path

import click

from artifactbuild import pipeline, screen
from artifactbuild.commands.options import ARTIFACTS, JSON, PATHS, jobs
from artifactbuild.data import dumps


@click.command("plan")
@PATHS
@ARTIFACTS
@JSON
def command(paths: tuple[str, ...], artifacts: Path | None, as_json: bool) -> None:
    """Say what would be built, kept or refused, and why.

    Runs no code of the project and does not start TensorFlow.
    """
    plans = [pipeline.plan(job) for job in jobs(paths, artifacts)]
    if as_json:
        click.echo(dumps(plans), nl=False)
        return
    for plan in plans:
        click.echo(f"{plan.model} {plan.version}")
        click.echo(screen.table([(s.format, s.action, s.reason) for s in plan.steps]), nl=False)
