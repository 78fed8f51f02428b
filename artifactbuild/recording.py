"""The record of each staged artifact, from what the builder and the validators reported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from artifactbuild.job import Job, manifest_digests, source_digests
from artifactbuild.plan import Step
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import card, digest, durable, environment, record
from artifactbuild.release.lock import Locked
from artifactbuild.release.record import Check, Facts, File, Inputs, Loader, Measure, Record
from artifactbuild.worker.messages import BuildReport
from artifactbuild.worker.settings import RECORDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What the validators of one format found."""

    checks: tuple[Check, ...]
    measures: tuple[Measure, ...]


def moment(work: Job) -> str:
    """Return the date of a version that is being built: that of all its formats."""
    return record.created_at(os.environ, _remembered(work))


def prepare(work: Job) -> None:
    """Do what can be done for the cards before there are records."""
    card.prepare(work.template)


def provisional(
    work: Job, report: BuildReport, step: Step, staged: Path, created_at: str
) -> Record:
    """Hash a staged artifact and write the record that its loaders need.

    It has no checks yet, nor the sources, of which the builder may still read others.
    """
    folder = staged / step.format
    files = {
        name: File(sha256=sha256, size=(folder / name).stat().st_size)
        for name, sha256 in digest.of_folder(folder).items()
    }
    made = _record(work, report, step, files, created_at)
    record.write(made, folder)
    return made


def final(
    work: Job,
    report: BuildReport,
    records: tuple[Record, ...],
    proven: Mapping[str, Proven],
    staged: Path,
) -> tuple[Record, ...]:
    """Complete the records with sources and with what was proven, and render the cards."""
    sources = {**(report.sources or {}), **source_digests(work, _template_source(work))}
    inputs = Inputs(manifest=manifest_digests(work), sources=dict(sorted(sources.items())))
    complete = tuple(
        _proven(replace(made, inputs=inputs), report, proven[made.format]) for made in records
    )
    for made in complete:
        _write(work, made, staged / made.format)
    return complete


def dated(work: Job, made: Record, folder: Path) -> Record:
    """Give a staged artifact the date that its version has by now, if another build gave it one."""
    known = _remembered(work)
    if known is None or record.created_at(os.environ, known) == made.created_at:
        return made
    again = replace(made, created_at=record.created_at(os.environ, known))
    for name in (record.FILE, record.CARD):
        (folder / name).unlink()
    _write(work, again, folder)
    durable.seal(folder)
    return again


def held_against_lock(work: Job, records: tuple[Record, ...], staged: Path) -> Mapping[str, str]:
    """Hold rebuilt artifacts against the lock: other bytes need another environment.

    Returns what is to be said of a format whose bytes are not those of the lock.

    Raises:
        Refusal: when the bytes differ and nothing explains it.
    """
    notes = {}
    for made in records:
        locked, memory = work.locked(made.format), work.memory
        if locked is None or memory is None:
            continue
        files = digest.of_folder(staged / made.format)
        if locked.files == files:
            continue
        drift = environment.drift(memory.environment, made.environment)
        name = next(
            n for n in sorted({*files, *locked.files}) if files.get(n) != locked.files.get(n)
        )
        if not drift:
            raise Refusal(_not_reproduced(work, made.format, name, locked, files))
        notes[made.format] = f"{name} differs; {'; '.join(drift)}"
    return notes


def loaders(report: BuildReport, format: str) -> tuple[Loader, ...]:
    """Return the loaders of a format."""
    return (report.loaders or {})[format]


def facts(report: BuildReport) -> Facts:
    """Return what a builder that stopped for nothing found out."""
    assert report.facts is not None
    return report.facts


def _write(work: Job, made: Record, folder: Path) -> None:
    record.write(made, folder)
    text = card.render_file(folder / record.FILE, work.template)
    (folder / record.CARD).write_text(text, encoding="utf-8")


def _remembered(work: Job) -> str | None:
    """Return the date that the lock, else a published format, gives this version."""
    if work.memory is not None:
        return work.memory.created_at
    for _, format, version in work.store.versions(work.name):
        if version == work.version:
            return record.read(work.folder(format)).created_at
    return None


def _record(
    work: Job, report: BuildReport, step: Step, files: Mapping[str, File], created_at: str
) -> Record:
    manifest, known = work.loaded.manifest, facts(report)
    here = environment.here(RECORDED, [step.format])
    compiled = {"optimizer": known.optimizer, "loss": known.loss, "metrics": known.metrics}
    training = {key: value for key, value in compiled.items() if value is not None}
    return Record(
        record_version=record.VERSION,
        model_name=manifest.name,
        format=step.format,
        version=manifest.version,
        created_at=created_at,
        tensorflow_version=here["tensorflow"],
        keras_version=here["keras"],
        input_signature=known.inputs,
        output_signature=known.outputs,
        about=manifest.about,
        training={**training, **manifest.training},
        data=manifest.data,
        evaluation=manifest.evaluation,
        notes=manifest.notes,
        factory=str(manifest.factory),
        kwargs=manifest.kwargs,
        seed=manifest.seed,
        options=step.options,
        architecture=known.architecture,
        custom_objects=known.custom_objects,
        structure=known.structure,
        variables=known.variables,
        resumable=False,
        resumable_why="",
        lambdas=known.lambdas,
        stochastic=manifest.stochastic,
        checks=(),
        measures=(),
        loaders=loaders(report, step.format),
        files=files,
        inputs=Inputs(manifest=manifest_digests(work), sources={}),
        environment=here,
    )


def _proven(made: Record, report: BuildReport, proof: Proven) -> Record:
    resumable, why = _resumable(made, report, proof)
    return replace(
        made,
        checks=(*report.checks, *proof.checks),
        measures=proof.measures,
        resumable=resumable,
        resumable_why=why,
    )


def _resumable(made: Record, report: BuildReport, proof: Proven) -> tuple[bool, str]:
    """Tell whether training can go on from an artifact, and why."""
    if report.not_resumable:
        return False, report.not_resumable
    names = [loader.name for loader in made.loaders if loader.resumes]
    steps = [check.compared for check in proof.checks if check.compared.endswith("steps")]
    if not names or not steps:
        return False, f"{made.format} does not hold the optimizer's state"
    return True, f"{steps[0]} from {' and '.join(names)} were those of the original, to the bit"


def _template_source(work: Job) -> list[str]:
    own = work.loaded.manifest.card_template
    return [own] if own else []


def _not_reproduced(
    work: Job, format: str, name: str, locked: Locked, files: Mapping[str, str]
) -> Problem:
    message = (
        f"{format} was not reproduced: {name} is {files.get(name, 'not made')}, "
        f"the lock of {work.version} says {locked.files.get(name, 'none')}"
    )
    hint = "the factory gives another model each time, or reads what the lock does not list"
    return work.problem(("formats", format), message, hint)
