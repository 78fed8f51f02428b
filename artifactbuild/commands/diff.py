"""`diff`: what differs between two releases of a model, for a reviewer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from artifactbuild import screen
from artifactbuild.commands.options import ARTIFACTS, JSON
from artifactbuild.data import encode
from artifactbuild.release.diff.nouns import Difference, Side
from artifactbuild.review import comparing, places, telling, words
from artifactbuild.review.places import Pair
from artifactbuild.worker.server import Server

SEPARATOR = "--"
DIFFERS = 1

NOTHING = "no model differs"


class Command(click.Command):
    """A command whose arguments after `--` are kept apart, as git's are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put what comes after `--` aside."""
        if SEPARATOR in args:
            at = args.index(SEPARATOR)
            ctx.obj, args = tuple(args[at + 1 :]), args[:at]
        return super().parse_args(ctx, args)


@click.command("diff", cls=Command)
@click.argument("sides", nargs=-1, metavar="[BEFORE [AFTER]] [-- MANIFEST|FOLDER...]")
@click.option("--markdown", is_flag=True, help="Answer in Markdown, for a pull-request comment.")
@click.option("--weights", is_flag=True, help="Measure how far weights moved; reads payloads.")
@click.option(
    "--outputs",
    is_flag=True,
    help="Where reference inputs differ, ask the model of before the new ones: runs it.",
)
@click.option("--exit-code", is_flag=True, help="Exit 1 when something differs, as git diff does.")
@ARTIFACTS
@JSON
@click.pass_context
def command(
    context: click.Context,
    sides: tuple[str, ...],
    markdown: bool,
    weights: bool,
    outputs: bool,
    exit_code: bool,
    artifacts: Path | None,
    as_json: bool,
) -> int:
    """Say what differs between two releases: contract, layers, weights, answers, checks, inputs.

    BEFORE and AFTER are each a git revision, REVISION:PATH of a manifest or a lock, a manifest, a
    lock, or the folder of a published version. Without AFTER it is the working tree; without
    BEFORE, the commit where this branch left the main branch. A manifest or folder alone limits
    what is compared.

    Runs no code of the project and does not start TensorFlow, unless --weights (which starts it to
    read payloads) or --outputs (which runs a published model, by a loader that may need your code).
    """
    if len(sides) > 2:
        raise click.UsageError(f"two sides at most, found {len(sides)}: manifests go after `--`")
    pairs = places.pairs(sides, context.obj or (), Path.cwd(), artifacts)
    found = [comparing.difference(pair) for pair in pairs]
    if weights or outputs:
        found = _more(found, pairs, weights=weights, outputs=outputs)
    differing = [each for each in found if words.changed(each)]
    if as_json:
        screen.answer([_data(each) for each in differing])
    else:
        tell = telling.markdown if markdown else telling.terminal
        text = tell(words.report(each) for each in differing)
        screen.document(text or f"{NOTHING}\n")
    return DIFFERS if exit_code and differing else 0


def _more(
    found: list[Difference], pairs: tuple[Pair, ...], *, weights: bool, outputs: bool
) -> list[Difference]:
    """Measure what only a worker can."""
    with Server(warn=screen.warning) as server, tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch, "diff.log")
        both = list(zip(found, pairs, strict=True))
        if weights:
            both = [(comparing.weighed(d, pair, server, log), pair) for d, pair in both]
        if outputs:
            both = [(comparing.asked(d, pair, server, log), pair) for d, pair in both]
    return [difference for difference, _ in both]


def _data(difference: Difference) -> dict[str, Any]:
    """Return plain data; of the sides, what they are and not all that they say."""
    sides = {"before": difference.before, "after": difference.after}
    return {**encode(difference), **{name: _side(side) for name, side in sides.items()}}


def _side(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {
        "label": side.label,
        "file": side.file,
        "model": side.model,
        "version": side.version,
        "built": side.lock is not None,
        "pending": side.pending,
    }
