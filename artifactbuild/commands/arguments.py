"""The arguments that verbs share. Those that need not load a manifest take paths as strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from artifactbuild import screen

PATHS = click.argument("paths", nargs=-1, type=click.Path(), metavar="[MANIFEST|FOLDER]...")

JSON = click.option("--json", "as_json", is_flag=True, help="Answer with JSON on standard output.")

FORMAT = click.option(
    "--format",
    "style",
    type=click.Choice([screen.TEXT, screen.GITHUB]),
    default=screen.TEXT,
    help="How problems are told: as text, or as annotations of a workflow on GitHub.",
)


def artifacts(kind: type[Any]) -> Callable[[Any], Any]:
    """Return the option `--artifacts`, whose value is of a kind: `str`, or `Path`."""
    return click.option(
        "--artifacts",
        type=click.Path(path_type=kind, resolve_path=True),
        envvar="ARTIFACTBUILD_ARTIFACTS",
        help="Where versions are published.  [default: artifacts/ in the project]",
    )


ARTIFACTS = artifacts(str)
