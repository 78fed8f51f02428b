"""Arguments to verb to exit code: the only place that exits or turns an exception into text.

Exit 0: good; 1: expected failure (a problem, a failed check, drift); 2: usage; 3: a bug of ours;
130: interrupted.
"""

from __future__ import annotations

import importlib
import itertools
import sys
import traceback
from collections.abc import Sequence

import click

from artifactbuild import screen
from artifactbuild.data import dumps
from artifactbuild.problems import Refusal, summary
from artifactbuild.release.environment import own_version
from artifactbuild.worker.server import WorkerLost

VERBS = ("build", "bump", "card", "check", "diff", "init", "plan", "reproduce", "schema", "show")

GOOD, EXPECTED, USAGE, BUG, INTERRUPTED = 0, 1, 2, 3, 130


class Verbs(click.Group):
    """The verbs, each imported only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the verbs."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a verb."""
        del ctx
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"artifactbuild.commands.{name}").command
        return command


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(own_version(), message="artifactbuild %(version)s")
def verbs() -> None:
    """Build proven TensorFlow and Keras model artifacts from committed manifests.

    Each verb takes manifests, folders (searched for model.artifact.yaml) or nothing (the current
    folder).
    """


def main() -> None:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        return _run(arguments)
    except Refusal as refusal:
        _say_refusal(refusal, arguments)
        return EXPECTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except WorkerLost as lost:
        _say_bug(f"{lost.cause.rstrip()}\nlog: {lost.log}")
        return BUG
    except Exception:  # noqa: BLE001, the boundary
        _say_bug(traceback.format_exc())
        return BUG


def _run(arguments: Sequence[str]) -> int:
    try:
        return verbs.main(list(arguments), "artifactbuild", standalone_mode=False) or GOOD
    except click.exceptions.Exit as ended:
        return ended.exit_code


def _say_refusal(refusal: Refusal, arguments: Sequence[str]) -> None:
    if "--json" in arguments:
        click.echo(dumps({"problems": refusal.problems, "kept": refusal.kept or None}), nl=False)
        return
    if _is_for_github(arguments):
        click.echo("".join(map(screen.annotation, refusal.problems)), nl=False)
        return
    click.echo(str(refusal), err=True)
    if refusal.kept:
        click.echo(f"kept for a look: {refusal.kept}", err=True)
    click.echo(summary(refusal.problems), err=True)


def _is_for_github(arguments: Sequence[str]) -> bool:
    """Tell whether annotations are asked for: of usage, nothing is known but the arguments."""
    pairs = itertools.pairwise(arguments)
    return f"--format={screen.GITHUB}" in arguments or ("--format", screen.GITHUB) in pairs


def _say_bug(text: str) -> None:
    click.echo(text.rstrip(), err=True)
    click.echo("this is a bug of artifactbuild, not a mistake of yours: please report it", err=True)
