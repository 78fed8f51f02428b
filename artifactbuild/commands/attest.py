"""`attest`: say who made an artifact out of what, and sign it."""

from __future__ import annotations

from pathlib import Path

import click

from artifactbuild import screen, verification
from artifactbuild.commands.options import ARTIFACTS, JSON
from artifactbuild.commands.verify import PATHS, targets
from artifactbuild.job import shown
from artifactbuild.problems import Refusal
from artifactbuild.release import attestation


@click.command("attest")
@PATHS
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Sign with this elliptic-curve private key (PEM).",
)
@click.option(
    "--builder",
    metavar="URI",
    default=attestation.BUILDER,
    show_default=True,
    help="What the statement calls the place that built: a URI of yours.",
)
@ARTIFACTS
@JSON
def command(
    paths: tuple[str, ...], key: Path | None, builder: str, artifacts: Path | None, as_json: bool
) -> None:
    """Write an in-toto statement of provenance beside artifacts that are whole; with a key, sign.

    The statement is SLSA provenance, Build level 1. With a key, the statement and the files are
    signed: `artifactbuild verify --public-key` checks both.
    """
    named = targets(paths, artifacts)
    found = [verification.examined(target, within=artifacts) for target in named]
    if problems := [problem for each in found for problem in each.verdict.problems()]:
        raise Refusal(*problems)
    written = {
        shown(target.folder): list(map(shown, verification.attested(target, each, builder, key)))
        for target, each in zip(named, found, strict=True)
    }
    if as_json:
        screen.answer(written)
        return
    screen.say(screen.table([(folder, *files) for folder, files in written.items()]))
