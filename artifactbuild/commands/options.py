"""The arguments that verbs share, and the manifests that they stand for."""

from __future__ import annotations

from pathlib import Path

import click

from artifactbuild import screen
from artifactbuild.job import Job, job
from artifactbuild.manifest.load import load_all

PATHS = click.argument("paths", nargs=-1, type=click.Path(), metavar="[MANIFEST|FOLDER]...")

ARTIFACTS = click.option(
    "--artifacts",
    type=click.Path(path_type=Path, resolve_path=True),
    envvar="ARTIFACTBUILD_ARTIFACTS",
    help="Where versions are published.  [default: artifacts/ in the project]",
)

JSON = click.option("--json", "as_json", is_flag=True, help="Answer with JSON on standard output.")

FORMAT = click.option(
    "--format",
    "style",
    type=click.Choice([screen.TEXT, screen.GITHUB]),
    default=screen.TEXT,
    help="How problems are told: as text, or as annotations of a workflow on GitHub.",
)


def jobs(paths: tuple[str, ...], artifacts: Path | None) -> tuple[Job, ...]:
    """Load every manifest that the arguments name; raises Refusal with the problems of all."""
    loaded = load_all(paths, Path.cwd())
    return tuple(job(each, artifacts) for each in loaded)
