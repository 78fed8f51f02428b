"""`check`: do manifests, the files they name, their locks and what is published agree?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from artifactbuild import screen
from artifactbuild.commands import telling
from artifactbuild.commands.arguments import ARTIFACTS, FORMAT, JSON, PATHS
from artifactbuild.commands.survey import complete, survey
from artifactbuild.commands.telling import Drift
from artifactbuild.index.answers import Answer
from artifactbuild.manifest import find
from artifactbuild.problems import Problem, Refusal
from artifactbuild.unchanged import Looked

GOOD, EXPECTED = 0, 1


@click.command("check")
@PATHS
@click.option("--committed", is_flag=True, help="Leave the artifacts out: for a commit hook.")
@click.option("--strict", is_flag=True, help="Fail on what is else only told.")
@FORMAT
@ARTIFACTS
@JSON
@click.pass_obj
def command(
    looked: Looked | None,
    paths: tuple[str, ...],
    committed: bool,
    strict: bool,
    style: str,
    artifacts: str | None,
    as_json: bool,
) -> int:
    """Say whether manifests, sources, locks and published artifacts agree.

    Every disagreement has a name, a sentence and the command that repairs it. Runs no code of the
    project and does not start TensorFlow.
    """
    found = complete(survey(paths, artifacts, looked))
    if found.unreadable:
        raise Refusal(*found.unreadable)
    options = committed or strict or as_json or style != screen.TEXT
    errors: list[Drift] = []
    manifests: list[dict[str, Any]] = []
    told: list[str] = []
    for asked in found.answers:
        if not options and (said := found.answers.said(asked, "check")):
            told.append(said)
            continue
        answer, file = found.answers[asked], find.shown(asked.manifest)
        own = answer.committed if committed else answer.drift
        errors += [each for each in own if each["error"] or strict]
        manifests.append(_data(file, answer, own))
        minor = [each for each in own if not (each["error"] or strict)]
        if style == screen.GITHUB and not as_json:
            screen.annotate((Problem(**each["problem"]) for each in minor), screen.NOTICE)
        else:
            told.append(screen.text(telling.checked(file, answer, own, minor)))
    if as_json:
        problems = [each["problem"] for each in errors]
        screen.answer({"manifests": manifests, "problems": problems})
        return EXPECTED if errors else GOOD
    screen.document("".join(told))
    if errors:
        raise Refusal(*(Problem(**each["problem"]) for each in errors))
    return GOOD


def _data(file: str, answer: Answer, drifts: Sequence[Drift]) -> dict[str, Any]:
    return {"manifest": file, "model": answer.model, "version": answer.version, "drift": drifts}
