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

    The statement is SLSA provenance, Build level 1. `artifactbuild verify --public-key` checks the
    signature.
    """
    named = targets(paths, artifacts)
    verdicts = [verification.held(target) for target in named]
    if problems := [problem for each in verdicts for problem in each.problems()]:
        raise Refusal(*problems)
    written = {}
    for target in named:
        made = verification.attested(target, builder)
        signed = attestation.sign(target.folder, key) if key is not None else None
        written[shown(target.folder)] = [shown(path) for path in (made, signed) if path is not None]
    if as_json:
        screen.answer(written)
        return
    screen.say(screen.table([(folder, *files) for folder, files in written.items()]))
