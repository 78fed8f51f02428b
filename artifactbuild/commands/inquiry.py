"""Manifests looked into, one by one; what was found is remembered in the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from artifactbuild import examining, plan, screen
from artifactbuild.commands import telling
from artifactbuild.commands.survey import Answers, Findings, Survey
from artifactbuild.data import encode
from artifactbuild.examining import Seen
from artifactbuild.index.answers import Answer
from artifactbuild.job import Job, job
from artifactbuild.manifest.load import load, namesakes
from artifactbuild.plan import Plan
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release.digest import Hashed
from artifactbuild.unchanged import Asked


def inquire(found: Survey, known: Mapping[Path, Hashed] | None = None) -> Findings:
    """Read and plan every manifest without an answer.

    Published files that are `known` are read only if they look otherwise by now.
    """
    work, unreadable = read(found)
    answers = dict(found.answers.found)
    for asked, each in work.items():
        seen = examining.see(each, known)
        answers[asked] = _answered(found, asked, seen)
    for index in found.indexes.values():
        index.save()
    in_order = {asked: answers[asked] for asked in found.asked if asked in answers}
    return Findings(answers=Answers(in_order), unreadable=unreadable)


def read(found: Survey) -> tuple[dict[Asked, Job], tuple[Problem, ...]]:
    """Read every manifest without an answer, and its lock; give the problems of those that fail.

    A manifest that bears the name of another one fails, too.
    """
    work: dict[Asked, Job] = {}
    problems: list[Problem] = []
    for asked in found.open:
        try:
            work[asked] = _job(asked)
        except Refusal as refusal:
            problems += refusal.problems
    problems += namesakes(each.loaded for each in _of_same_names(found, work))
    return work, tuple(problems)


def _of_same_names(found: Survey, work: dict[Asked, Job]) -> Iterator[Job]:
    """Yield what was read, and in its place each other manifest that bears one of the names."""
    names = {(asked.place.project, each.name) for asked, each in work.items()}
    for asked in found.asked:
        if asked in work:
            yield work[asked]
        elif (asked.place.project, found.answers.model(asked)) in names:
            yield _job(asked)


def _job(asked: Asked) -> Job:
    return job(load(Path(asked.manifest)), Path(asked.place.root))


def _answered(found: Survey, asked: Asked, seen: Seen) -> Answer:
    """Return the answer of a manifest; remember it unless something is wrong."""
    from artifactbuild.review import drift  # cards; who builds reads first, and starts TensorFlow

    work, drifts = seen.work, drift.of(seen)
    made = examining.plan(seen)
    answer = Answer(
        model=work.name,
        version=work.version,
        plan=encode(made),
        summary=_summary(work, made),
        annotations=_annotations(work, made),
        drift=encode(drifts),
        committed=encode(drift.committed(work)),
        checks=_checks(seen, made),
    )
    if not (made.of(plan.REFUSE) or made.of(plan.DAMAGED) or any(each.error for each in drifts)):
        index, said = found.indexes[asked.place.root], telling.unchanged(asked, answer)
        index.remember(asked.place, asked.manifest, answer, said, examining.watched(seen))
    return answer


def _checks(seen: Seen, made: Plan) -> dict[str, int] | None:
    if len(made.of(plan.KEEP)) < len(made.steps) or not examining.writes_nothing(seen):
        return None
    return {format: len(each.checks) for format, each in seen.records.items()}


def _annotations(job: Job, made: Plan) -> list[str]:
    """Return what would be refused as errors, what would be built as one notice."""
    refused = [screen.annotation(problem) for problem in examining.refusals(job, made)]
    building = [step.format for step in made.of(plan.BUILD)]
    if refused or not building:
        return refused
    message = f"{made.model} {made.version} would be built: {', '.join(building)}"
    hint = f"`artifactbuild build {job.loaded.document.file}`"
    return [screen.annotation(job.problem(("version",), message, hint), screen.NOTICE)]


def _summary(job: Job, made: Plan) -> str:
    """Say it in a line, with the command that comes next."""
    file = job.loaded.document.file
    refused, building = made.of(plan.REFUSE), made.of(plan.BUILD)
    kept = f", {len(made.of(plan.KEEP))} kept" if made.of(plan.KEEP) else ""
    if damaged := made.of(plan.DAMAGED):
        able = all(examining.is_repairable(job, step) for step in damaged)
        return f"{len(damaged)} damaged{kept}{f' (`{job.repair}`)' if able else ''}"
    if any(step.impossible for step in refused):
        return f"{len(refused)} of {len(made.steps)} formats cannot be made"
    if refused:
        if cure := examining.line_endings_cure(job, made):
            rest = "" if cure.complete else f", then `artifactbuild bump {file}`"
            return f"released, and has other line endings since then (`{cure.command}`{rest})"
        return f"released, and changed since then (`artifactbuild bump {file}`)"
    if building:
        return f"{len(building)} to build{kept} (`artifactbuild build {file}`)"
    return f"nothing to build{kept}"
