"""`build`: make, prove and publish what the manifests ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from artifactbuild import screen
from artifactbuild.commands import telling, workers
from artifactbuild.commands.arguments import ARTIFACTS, JSON, PATHS
from artifactbuild.commands.survey import Answers, Survey, survey
from artifactbuild.commands.workers import Wish
from artifactbuild.outcome import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.unchanged import Asked, Looked

if TYPE_CHECKING:
    from artifactbuild.commands.making import Made

VERB = "build"


@click.command(VERB)
@PATHS
@ARTIFACTS
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many workers may run at once.  [default: one for each processor]",
)
@click.option(
    "--fail-fast/--keep-going",
    help="Begin no other manifest once one has failed.  [default: go on with the others]",
)
@click.option(
    "--repair",
    is_flag=True,
    help="Hash all that is published, and replace what is damaged by the bytes of the lock.",
)
@click.option(
    "--accept-different",
    is_flag=True,
    help="Publish here what another processor or other libraries make of a released version.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop a factory, or a validation, that takes longer.  [default: none does]",
)
@JSON
@click.pass_obj
def command(
    looked: Looked | None,
    paths: tuple[str, ...],
    artifacts: str | None,
    jobs: int | None,
    fail_fast: bool,
    repair: bool,
    accept_different: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Build, validate and publish artifacts; what is up to date is left alone.

    Runs the factories of the project. A failed manifest publishes nothing; the others go on.

    A published version whose files are missing, added or changed is damaged, and is a failure. With
    --repair it is built again, and replaced if that gives the bytes of its lock; else nothing is
    touched.
    """
    found = survey(paths, artifacts, looked)
    if repair:  # looks do not show what a bad disk changed
        found = replace(found, answers=Answers({}))
    kept = Answers({a: each for a, each in found.answers.found.items() if _keeps(found.answers, a)})
    if len(kept) == len(found.asked):
        _say(found.asked, kept, {}, as_json=as_json)
        return
    wish = Wish(
        jobs=jobs,
        timeout=timeout,
        fail_fast=fail_fast,
        repair=repair,
        accept_different=accept_different,
    )
    made = _made(replace(found, answers=kept), wish)
    if not (as_json and made.problems):
        _say(found.asked, kept, made.outcomes, as_json=as_json)
    if made.untried:
        screen.note(f"{len(made.untried)} more not tried, as --fail-fast asks")
    if made.problems:
        raise Refusal(*made.problems, kept=", ".join(made.kept))


def _made(found: Survey, wish: Wish) -> Made:
    """Build, with TensorFlow's import under way as soon as it is known that it is wanted."""
    with ExitStack() as held:
        started = None
        if workers.are_wanted(found):
            started = held.enter_context(workers.server(wish))
            started.warm()
        # Nobody waits for YAML, schemas and cards, let alone TensorFlow, to learn that nothing
        # changed.
        from artifactbuild.commands import making

        return making.make(found, wish, started)


def _keeps(answers: Answers, asked: Asked) -> bool:
    """Tell whether a build would keep all of a manifest and write nothing."""
    return bool(answers.said(asked, VERB)) or answers[asked].checks is not None


def _say(
    asked: Sequence[Asked], kept: Answers, made: Mapping[Asked, Outcome], *, as_json: bool
) -> None:
    ended = [each for each in asked if each in kept.found or each in made]
    if as_json:
        outcomes = [made.get(each) or telling.kept(each, kept[each]) for each in ended]
        screen.answer(outcomes)
        return
    screen.document("".join(_told(each, kept, made) for each in ended))
    screen.note(*(note for each in made.values() for note in _notes(each)))


def _notes(outcome: Outcome) -> Iterator[str]:
    yield from (f"  {each.format}: {each.note}" for each in outcome.results if each.note)
    if outcome.measured:
        yield f"  {outcome.model} {outcome.version}, {outcome.measured}"


def _told(asked: Asked, kept: Answers, made: Mapping[Asked, Outcome]) -> str:
    if asked in made:
        return screen.text(telling.built(made[asked]))
    said = kept.said(asked, VERB)
    return said or screen.text(telling.built(telling.kept(asked, kept[asked])))
