"""`reproduce`: make released versions again and hold every file against the lock."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from artifactbuild import screen
from artifactbuild.commands.options import ARTIFACTS, JSON, PATHS, jobs
from artifactbuild.problems import did_you_mean
from artifactbuild.reproduction import again, released
from artifactbuild.reproduction.conditions import NAMES, PLAIN, Condition, named
from artifactbuild.reproduction.nouns import (
    DIFFERS,
    FAILED,
    GOOD,
    SAME_PAYLOAD,
    UNAVAILABLE,
    Compared,
    Difference,
    Reproduction,
)
from artifactbuild.worker.server import Server

ALL = ",".join(NAMES)


def _conditions(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[Condition, ...]:
    """Return the conditions that `--vary` names; without it, the plain one."""
    del context, parameter
    if value is None:
        return (PLAIN,)
    try:
        return tuple(named(name) for name in value.split(","))
    except KeyError as error:
        (name,) = error.args
        hint = did_you_mean(name, NAMES) or "paths go before `--vary`"
        message = f"unknown condition {name!r}: {hint}; conditions are: {', '.join(NAMES)}"
        raise click.BadParameter(message) from None


@click.command("reproduce")
@PATHS
@click.option("--from", "revision", metavar="REV", help="Take the sources of a git revision.")
@click.option(
    "--vary",
    "conditions",
    is_flag=False,
    flag_value=ALL,
    metavar="[NAME,...]",
    callback=_conditions,
    help="Build under conditions that must make no difference, each by itself, those with + "
    f"between them at once: {', '.join(NAMES)}.",
)
@click.option("--keep", is_flag=True, help="Keep what was rebuilt, and say where.")
@ARTIFACTS
@JSON
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[str, ...],
    revision: str | None,
    conditions: tuple[Condition, ...],
    keep: bool,
    artifacts: Path | None,
    as_json: bool,
) -> None:
    """Make released versions again in a clean place and hold every file against the lock.

    Runs the factories of the project, as `build` does; with --from, those of that revision. Changes
    nothing in the project: it is copied.
    """
    with tempfile.TemporaryDirectory(prefix="artifactbuild-from-") as folder:
        work = (
            released.from_tree(jobs(paths, artifacts))
            if revision is None
            else released.from_revision(paths, artifacts, revision, Path(folder))
        )
        with Server() as server, screen.progress() as tell:
            found = [
                tuple(again.reproduce(each, conditions, server, tell, keep=keep)) for each in work
            ]
    say = _say if conditions == (PLAIN,) else _say_varied
    for rows in () if as_json else found:
        say(rows)
    if as_json:
        screen.answer([row for rows in found for row in rows])
    if any(row.outcome not in GOOD for rows in found for row in rows):
        context.exit(1)


def _say(rows: Sequence[Reproduction]) -> None:
    """Say what became of each format of one rebuild."""
    (row,) = rows
    _say_head(row)
    cells = [cell for each in row.compared for cell in _cells(each)]
    screen.say(screen.table(cells) if cells else [f"  {row.outcome}"])
    _say_end(rows)


def _say_varied(rows: Sequence[Reproduction]) -> None:
    """Say what became of each rebuild of one version."""
    _say_head(next((row for row in rows if row.drift), rows[0]))
    screen.say(screen.table([(r.condition, r.outcome, _reason(r)) for r in rows]))
    _say_end(rows)


def _say_head(row: Reproduction) -> None:
    title = f"{row.model} {row.version}{f' from {row.revision}' if row.revision else ''}"
    screen.say([title, *(f"  drift: {change}" for change in row.drift)])


def _say_end(rows: Sequence[Reproduction]) -> None:
    for row in rows:
        screen.report(row.problems)
        if row.kept:
            screen.note(f"kept for a look: {row.kept}")


def _cells(each: Compared) -> Iterator[tuple[str, str, str]]:
    if each.outcome == DIFFERS:
        lines = [_told(d) for d in each.differences]
    elif each.outcome == SAME_PAYLOAD:
        lines = [_figures(each)]
    else:
        lines = ["" if each.name == "lock" else f"{each.files} files"]
    yield each.name, each.outcome, lines[0]
    yield from (("", "", line) for line in lines[1:])


def _told(difference: Difference) -> str:
    place = "" if difference.file == "lock" else f"{difference.file}: "
    return f"{place}{difference.what}{' (a figure)' if difference.figure else ''}"


def _figures(each: Compared) -> str:
    if each.name == "lock":
        return each.differences[0].what
    names = ", ".join(d.file for d in each.differences)
    return f"{each.checks} checks passed; figures differ in {names}"


def _reason(row: Reproduction) -> str:
    if row.outcome == UNAVAILABLE:
        return row.note
    if row.outcome == FAILED:
        return row.problems[0].message
    if row.outcome != DIFFERS:
        return ""
    each = next(each for each in row.compared if each.outcome == DIFFERS)
    first = next(d for d in each.differences if not d.figure)
    return f"{each.name}: {_told(first)}"
