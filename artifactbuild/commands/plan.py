"""`plan`: what a build would do, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from artifactbuild import screen
from artifactbuild.commands import sharing, telling
from artifactbuild.commands.arguments import ARTIFACTS, FORMAT, JSON, PATHS
from artifactbuild.commands.survey import complete, survey
from artifactbuild.index.answers import Answer
from artifactbuild.problems import Refusal
from artifactbuild.unchanged import Looked

GOOD, REFUSED, TO_BUILD = 0, 1, 2


@click.command("plan")
@PATHS
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit 1 when something is refused or damaged, else 2 when something would be built.",
)
@FORMAT
@ARTIFACTS
@JSON
@click.pass_obj
def command(
    looked: Looked | None,
    paths: tuple[str, ...],
    exit_code: bool,
    style: str,
    artifacts: str | None,
    as_json: bool,
) -> int:
    """Say what would be built, kept or refused, what is damaged, and why.

    Runs no code of the project and does not start TensorFlow.
    """
    found = complete(survey(paths, artifacts, looked))
    if found.unreadable:
        raise Refusal(*found.unreadable)
    answers = [*found.answers.values()]
    if as_json:
        screen.answer([answer.plan for answer in answers])
        return _code(answers) if exit_code else GOOD
    errors = [each for answer in answers for each in answer.drift if each["error"]]
    once = sharing.of_many(errors, len(answers), paths)
    own = [id(each) for each in sharing.alone(errors)]
    shared = [_is_told_once(answer, own) for answer in answers]
    if style == screen.GITHUB:
        pairs = zip(answers, shared, strict=True)
        screen.annotated(each for a, is_shared in pairs if not is_shared for each in a.annotations)
        screen.annotate(once)
    else:
        for answer, is_shared in zip(answers, shared, strict=True):
            screen.say(telling.planned(answer, in_short=is_shared))
        screen.say(f"{each.message}: {each.hint}" for each in once)
    return _code(answers) if exit_code else GOOD


def _is_told_once(answer: Answer, own: Sequence[int]) -> bool:
    """Tell whether all that is wrong with a manifest is wrong with others, by the same causes."""
    errors = [each for each in answer.drift if each["error"]]
    return bool(errors) and not any(id(each) in own for each in errors)


def _code(answers: Iterable[Answer]) -> int:
    actions = {step["action"] for answer in answers for step in answer.plan["steps"]}
    return REFUSED if {"refuse", "damaged"} & actions else TO_BUILD if "build" in actions else GOOD
