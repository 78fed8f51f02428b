"""`check`: do manifests, the files they name, their locks and what is published agree?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from artifactbuild import screen
from artifactbuild.commands.options import ARTIFACTS, FORMAT, JSON, PATHS, jobs
from artifactbuild.data import dumps
from artifactbuild.job import Job
from artifactbuild.problems import Refusal
from artifactbuild.review import drift
from artifactbuild.review.drift import Drift

GOOD, EXPECTED = 0, 1


@click.command("check")
@PATHS
@click.option("--committed", is_flag=True, help="Leave the artifacts out: for a commit hook.")
@click.option("--strict", is_flag=True, help="Fail on what is else only told.")
@FORMAT
@ARTIFACTS
@JSON
def command(
    paths: tuple[str, ...],
    committed: bool,
    strict: bool,
    style: str,
    artifacts: Path | None,
    as_json: bool,
) -> int:
    """Say whether manifests, sources, locks and published artifacts agree.

    Every disagreement has a name, a sentence and the command that repairs it. Runs no code of the
    project and does not start TensorFlow.
    """
    found = [(job, drift.find(job, artifacts=not committed)) for job in jobs(paths, artifacts)]
    errors = [each for _, drifts in found for each in drifts if each.error or strict]
    if as_json:
        manifests = [_data(job, drifts) for job, drifts in found]
        problems = [each.problem for each in errors]
        click.echo(dumps({"manifests": manifests, "problems": problems}), nl=False)
        return EXPECTED if errors else GOOD
    for job, drifts in found:
        _say(job, [each for each in drifts if each not in errors], len(drifts), style)
    if errors:
        raise Refusal(*(each.problem for each in errors))
    return GOOD


def _say(job: Job, told: list[Drift], count: int, style: str) -> None:
    if style == screen.GITHUB:
        for each in told:
            click.echo(screen.annotation(each.problem, screen.NOTICE), nl=False)
        return
    if len(told) == count:
        click.echo(f"{job.loaded.document.file}: {job.name} {job.version} is good")
    elif told:
        click.echo(f"{job.loaded.document.file}: {job.name} {job.version}")
    if told:
        rows = [(each.name, each.sentence, f"`{each.repair}`") for each in told]
        click.echo(screen.table(rows), nl=False)


def _data(job: Job, drifts: tuple[Drift, ...]) -> dict[str, Any]:
    return {
        "manifest": job.loaded.document.file,
        "model": job.name,
        "version": job.version,
        "drift": drifts,
    }
