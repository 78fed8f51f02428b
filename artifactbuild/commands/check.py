"""`check`: do manifests, the files they name, their locks and what is published agree?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from artifactbuild import causes, screen
from artifactbuild.commands import sharing, telling
from artifactbuild.commands.arguments import ARTIFACTS, FORMAT, JSON, PATHS
from artifactbuild.commands.survey import Answers, complete, survey
from artifactbuild.commands.telling import Drift
from artifactbuild.data import encode
from artifactbuild.index.answers import Answer
from artifactbuild.manifest import find
from artifactbuild.problems import Refusal
from artifactbuild.unchanged import Asked, Looked

GOOD, EXPECTED = 0, 1


@click.command("check")
@PATHS
@click.option("--committed", is_flag=True, help="Leave the artifacts out: for a commit hook.")
@click.option(
    "--locked",
    is_flag=True,
    help="Fail unless the committed lock is that of the manifest: for CI. Leaves artifacts out.",
)
@click.option("--strict", is_flag=True, help="Fail on what is else only told.")
@FORMAT
@ARTIFACTS
@JSON
@click.pass_obj
def command(
    looked: Looked | None,
    paths: tuple[str, ...],
    committed: bool,
    locked: bool,
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
    options = committed or locked or strict or as_json or style != screen.TEXT
    more = _of_git(found.answers) if locked else {}
    errors: list[Drift] = []
    manifests: list[dict[str, Any]] = []
    notices: list[Drift] = []
    told: list[str] = []
    for asked in found.answers:
        if not options and (said := found.answers.said(asked, "check")):
            told.append(said)
            continue
        answer, file = found.answers[asked], find.shown(asked.manifest)
        own = answer.committed if committed or locked else answer.drift
        own = [*own, *more.get(asked, ())]
        failing = [each for each in own if strict or _fails(each, locked=locked)]
        errors += failing
        manifests.append(_data(file, answer, own))
        minor = [each for each in own if each not in failing]
        if style == screen.GITHUB and not as_json:
            notices += minor
        else:
            told.append(screen.text(telling.checked(file, answer, own, minor)))
    problems = sharing.problems(errors, len(found.answers), paths)
    screen.annotate(sharing.problems(notices, len(found.answers), paths), screen.NOTICE)
    if as_json:
        screen.answer({"manifests": manifests, "problems": problems})
        return EXPECTED if errors else GOOD
    screen.document(causes.told(told, paths))
    if problems:
        raise Refusal(*problems)
    return GOOD


def _of_git(answers: Answers) -> Mapping[Asked, Sequence[Drift]]:
    """Return what git says against the locks, which no index remembers."""
    from artifactbuild import reuse
    from artifactbuild.commands import inquiry
    from artifactbuild.review import locked

    work = locked.joined({asked: inquiry.job_of(asked) for asked in answers})
    known = reuse.skipped(job for job in work.values() if job.memory is None)  # told already
    for why in set(reuse.skipped(work.values())) - set(known):
        screen.warning(why)
    return {asked: encode(found) for asked, found in locked.find(work).items()}


def _fails(drift: Drift, *, locked: bool) -> bool:
    if drift["error"] or not locked:
        return bool(drift["error"])
    from artifactbuild.review.kinds import KINDS

    return KINDS[drift["name"]].locked


def _data(file: str, answer: Answer, drifts: Sequence[Drift]) -> dict[str, Any]:
    told = [{key: value for key, value in each.items() if key != "shared"} for each in drifts]
    return {"manifest": file, "model": answer.model, "version": answer.version, "drift": told}
