"""`show`: what is published of each manifest."""

from __future__ import annotations

from pathlib import Path

import click

from artifactbuild import screen, units
from artifactbuild.commands.options import ARTIFACTS, JSON, PATHS, jobs
from artifactbuild.job import Job
from artifactbuild.release import identity
from artifactbuild.release.record import Record


@click.command("show")
@PATHS
@ARTIFACTS
@JSON
def command(paths: tuple[str, ...], artifacts: Path | None, as_json: bool) -> None:
    """Show the published versions of each manifest: formats, sizes, checks, loaders."""
    work = jobs(paths, artifacts)
    if as_json:
        screen.answer([made for job in work for made in _records(job)])
        return
    for job in work:
        rows = [_row(made) for made in _records(job)]
        told = screen.table(rows) if rows else ["  nothing is published"]
        screen.say([f"{job.name} (manifest: {job.version})", *told])


def _records(job: Job) -> list[Record]:
    found = job.store.versions(job.name)
    return [identity.read(job.store.folder(*item), job.store.root) for item in found]


def _row(made: Record) -> tuple[str, ...]:
    size = sum(file.size for file in made.files.values())
    passed = sum(check.passed for check in made.checks)
    loaders = ", ".join(loader.name for loader in made.loaders)
    checks = f"{passed}/{len(made.checks)} checks"
    return (made.version, made.format, units.size(size), checks, made.created_at, loaders)
