"""`check`: do manifests, the files they name and their locks agree?"""

from __future__ import annotations

from pathlib import Path

import click

from artifactbuild import pipeline
from artifactbuild.commands.options import ARTIFACTS, JSON, PATHS, jobs
from artifactbuild.data import dumps
from artifactbuild.problems import Refusal


@click.command("check")
@PATHS
@ARTIFACTS
@JSON
def command(paths: tuple[str, ...], artifacts: Path | None, as_json: bool) -> None:
    """Check manifests, the files they name and their locks.

    Runs no code of the project and does not start TensorFlow.
    """
    work = jobs(paths, artifacts)
    problems = [p for job in work for p in pipeline.refusals(job, pipeline.plan(job))]
    if problems:
        raise Refusal(*problems)
    if as_json:
        files = [job.loaded.document.file for job in work]
        click.echo(dumps({"manifests": files, "problems": []}), nl=False)
        return
    for job in work:
        click.echo(f"{job.loaded.document.file}: {job.name} {job.version} is good")
