"""The record of each staged artifact, from what the builder and the validators reported."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from artifactbuild import plan as planning
from artifactbuild.data import dumps
from artifactbuild.index.answers import TICK
from artifactbuild.job import Job, as_locked, manifest_digests, source_digests
from artifactbuild.plan import Step
from artifactbuild.problems import Problem, Refusal
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import (
    adoption,
    card,
    digest,
    durable,
    environment,
    fingerprint,
    questions,
    record,
    revisions,
)
from artifactbuild.release.digest import Hashed
from artifactbuild.release.lock import Lock, Locked
from artifactbuild.release.record import Check, Facts, File, Inputs, Loader, Measure, Record
from artifactbuild.worker.messages import BuildReport
from artifactbuild.worker.settings import recorded

MAX_REFERENCE = 1 << 28
"""How large a reference may be to be taken from a published format: bytes."""

LARGE = 1 << 25
"""From how many bytes on a file is not read again as long as it looks the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """An artifact that waits for its proof: its record so far, and its large files, hashed."""

    record: Record
    large: Mapping[str, Hashed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """An artifact that can be published: its record, and the digest of each of its files.

    `own` is the record with what was found here, if `record` adopts the facts of the release.
    `large` are the large files, as they looked when they were hashed.
    """

    record: Record
    own: Record | None
    files: Mapping[str, str]
    large: Mapping[str, Hashed]

    @property
    def here(self) -> Record:
        """The record with what was found here."""
        return self.own or self.record


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What the validators of one format found."""

    checks: tuple[Check, ...]
    measures: tuple[Measure, ...]


def moment(work: Job, steps: tuple[Step, ...] = ()) -> str:
    """Return the date of a version that is being built: that of all its formats.

    A damaged version gets the date of its lock, whatever the environment asks for.
    """
    if work.memory is not None and any(step.action == planning.DAMAGED for step in steps):
        return work.memory.created_at
    return record.created_at(os.environ, _remembered(work))


def prepare(work: Job) -> None:
    """Do what can be done for the cards before there are records."""
    card.prepare(work.template)


def provisional(
    work: Job, report: BuildReport, step: Step, staged: Path, created_at: str
) -> Staged:
    """Hash a staged artifact, read-only from now on, and write the record that its loaders need.

    It has no checks yet, nor the sources, of which the builder may still read others.
    """
    folder = staged / step.format
    durable.protect(folder)
    looks = _looks_of_large(folder)
    digests = digest.of_folder(folder)
    files = {
        name: File(sha256=sha256, size=(folder / name).stat().st_size)
        for name, sha256 in digests.items()
    }
    large = {name: Hashed(sha256=digests[name], look=look) for name, look in looks.items()}
    made = _record(work, report, step, files, created_at)
    record.write(made, folder)
    return Staged(record=made, large=large)


def final(
    work: Job,
    report: BuildReport,
    waiting: tuple[Staged, ...],
    proven: Mapping[str, Proven],
    staged: Path,
) -> tuple[Complete, ...]:
    """Complete the records with sources and with what was proven, and render the cards.

    Raises:
        Refusal: when files are no longer those that were recorded, and proven.
    """
    payloads = {each.record.format: _payload(each, staged) for each in waiting}
    changed = [
        problem
        for each in waiting
        for problem in _changed(work, each.record, payloads[each.record.format])
    ]
    changed += _edited(work, report)
    if changed:
        raise Refusal(*changed)
    sources = {**(report.sources or {}), **source_digests(work, _template_source(work))}
    inputs = Inputs(
        manifest=manifest_digests(work),
        sources=dict(sorted(as_locked(work, sources).items())),
        variables=report.variables or {},
        distributions=report.distributions or {},
    )
    return tuple(
        _completed(
            work,
            _proven(replace(each.record, inputs=inputs), report, proven[each.record.format]),
            staged / each.record.format,
            payloads[each.record.format],
            each.large,
        )
        for each in waiting
    )


def completed(work: Job, own: Record, folder: Path) -> Complete:
    """Write a record, and its card, next to a payload that is staged and proven."""
    payload = {name: digest.of_file(path) for name, path in digest.files(folder).items()}
    return _written(work, own, None, folder, payload, {})


def _completed(
    work: Job,
    own: Record,
    folder: Path,
    payload: Mapping[str, str],
    large: Mapping[str, Hashed],
) -> Complete:
    """Write the record that is to be published: with the facts of the release, where it is that.

    It is not where other outputs were computed here, or other libraries describe the model
    otherwise; then the record says what was found here.
    """
    memory, locked = work.memory, work.locked(own.format)
    if memory is None:
        return _written(work, own, None, folder, payload, large)
    here = adoption.in_words_of(own, memory)
    if locked is None or not locked.is_payload(payload):
        return _written(work, here, None, folder, payload, large)
    own, payload = _with_released_outputs(work, own, folder, payload, locked)
    if locked.files.get(record.REFERENCE) == payload.get(record.REFERENCE):
        adopted = adoption.adopted(own, memory)
        made = _written(work, adopted, own, folder, payload, large)
        if _is_adoptable(made, memory, locked):
            return made
        _clear(folder)
    known = replace(here, created_at=memory.created_at)
    return _written(work, known, None, folder, payload, large)


def _with_released_outputs(
    work: Job, own: Record, folder: Path, payload: Mapping[str, str], locked: Locked
) -> tuple[Record, Mapping[str, str]]:
    """Take the released reference in place of one whose outputs were computed here, if it is here.

    All formats of a version have the same: one that is published, or damaged, may have it still. It
    is taken if the released record comes of it, too.
    """
    wanted, memory = locked.files.get(record.REFERENCE), work.memory
    if wanted is None or payload.get(record.REFERENCE) == wanted or memory is None:
        return own, payload
    content = _released_reference(work, memory, wanted)
    if content is None or not _asks_the_same(content, folder / record.REFERENCE):
        return own, payload
    files = {**own.files, record.REFERENCE: File(sha256=wanted, size=len(content))}
    released = replace(own, files=files)
    text = dumps(adoption.adopted(released, memory))
    if digest.of_bytes(text.encode()) != locked.files.get(record.FILE):
        return own, payload
    (folder / record.REFERENCE).unlink()
    (folder / record.REFERENCE).write_bytes(content)
    durable.protect(folder)
    return released, {**payload, record.REFERENCE: wanted}


def _asks_the_same(content: bytes, found: Path) -> bool:
    """Tell whether two references have the same inputs: `relock` may find others."""
    try:
        return questions.of(io.BytesIO(content)) == questions.of(found)
    except OSError:
        return False


def _released_reference(work: Job, memory: Lock, wanted: str) -> bytes | None:
    """Return the released reference, if a format of the version has it here."""
    for format in memory.artifacts:
        try:
            content = bounded(work.folder(format) / record.REFERENCE, MAX_REFERENCE, follow=False)
        except Unreadable:
            continue
        if digest.of_bytes(content) == wanted:
            return content
    return None


def _is_adoptable(made: Complete, memory: Lock, locked: Locked) -> bool:
    """Tell whether a record with the released facts is the released one, or newer by its writer."""
    if made.files.get(record.FILE) == locked.files.get(record.FILE):
        return True
    recorded = memory.release.revisions if memory.release else {}
    return revisions.newer(revisions.METADATA, recorded)


def dated(work: Job, made: Complete, folder: Path) -> Complete:
    """Give a staged artifact the date that its version has by now, if another build gave it one."""
    known = _remembered(work) if work.memory is None else None
    if known is None or record.created_at(os.environ, known) == made.record.created_at:
        return made
    again = replace(made.record, created_at=record.created_at(os.environ, known))
    _clear(folder)
    written = _written(work, again, None, folder, made.files, made.large)
    durable.seal(folder)
    return written


def _clear(folder: Path) -> None:
    """Remove record and card from a staged artifact."""
    for name in (record.FILE, record.CARD):
        (folder / name).unlink()


def loaders(report: BuildReport, format: str) -> tuple[Loader, ...]:
    """Return the loaders of a format."""
    return (report.loaders or {})[format]


def facts(report: BuildReport) -> Facts:
    """Return what a builder that stopped for nothing found out."""
    assert report.facts is not None
    return report.facts


def _written(
    work: Job,
    made: Record,
    own: Record | None,
    folder: Path,
    payload: Mapping[str, str],
    large: Mapping[str, Hashed],
) -> Complete:
    """Write record and card beside a payload with known digests."""
    record.write(made, folder)
    text = card.render_file(folder / record.FILE, work.template)
    (folder / record.CARD).write_text(text, encoding="utf-8")
    beside = {name: digest.of_file(folder / name) for name in (record.FILE, record.CARD)}
    files = dict(sorted({**payload, **beside}.items()))
    return Complete(record=made, own=own, files=files, large=large)


def _looks_of_large(folder: Path) -> Mapping[str, str]:
    """Return how each large file looks, once a further change would show.

    Where the filesystem keeps no fractions of a second, that would take too long: there are none.
    """
    large = {
        name: path for name, path in digest.files(folder).items() if path.stat().st_size >= LARGE
    }
    if large:
        time.sleep(3 * TICK / 1e9)
    fine = {name: path for name, path in large.items() if not _is_of_whole_seconds(path)}
    return {name: fingerprint.look(str(path)) for name, path in fine.items()}


def _is_of_whole_seconds(path: Path) -> bool:
    found = path.stat()
    return fingerprint.is_of_whole_seconds(found.st_mtime_ns, found.st_ctime_ns)


def _payload(each: Staged, staged: Path) -> Mapping[str, str]:
    """Return the digest of each file as it is now; a large one that looks the same is not read."""
    return {
        name: each.large[name].of(path) if name in each.large else digest.of_file(path)
        for name, path in digest.files(staged / each.record.format).items()
        if name != record.FILE
    }


def _changed(work: Job, made: Record, now: Mapping[str, str]) -> list[Problem]:
    """Find the files of a format that came, went or changed since they were recorded."""
    then = {name: file.sha256 for name, file in made.files.items()}
    names = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    if not names:
        return []
    message = f"{made.format}: {', '.join(names)} changed while it was validated"
    hint = "code that runs when the artifact is loaded must not write into its folder"
    return [work.problem(("formats", made.format), message, hint)]


def _edited(work: Job, report: BuildReport) -> list[Problem]:
    """Find the files that were edited between the builder's end and now."""
    folder, sources = work.loaded.path.parent, report.sources or {}
    edited = [
        name
        for name, look in (report.looks or {}).items()
        if fingerprint.look(str(folder / name)) != look
        and source_digests(work, [name]).get(name) != sources[name]
    ]
    hint = "run the same command again, and leave the file alone until it ends"
    return [
        work.problem(("factory",), f"{name} changed while the model was being built from it", hint)
        for name in edited
    ]


def _remembered(work: Job) -> str | None:
    """Return the date that the lock, else a published format, gives this version."""
    if work.memory is not None:
        return work.memory.created_at
    for _, format, version in work.store.versions(work.name):
        if version == work.version:
            with suppress(Refusal):  # of a format that is damaged, and not asked for
                return record.read(work.folder(format)).created_at
    return None


def _record(
    work: Job, report: BuildReport, step: Step, files: Mapping[str, File], created_at: str
) -> Record:
    manifest, known = work.loaded.manifest, facts(report)
    here = environment.here(recorded(manifest.processor), [step.format])
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
        revision=revisions.CURRENT[revisions.METADATA],
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
