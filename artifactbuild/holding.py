"""Rebuilt artifacts, held against the lock of their version: is this what was released?

The payload must be the released one. What else differs is a fact of this machine, and is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from artifactbuild import examining
from artifactbuild import plan as planning
from artifactbuild.job import Job, shown
from artifactbuild.problems import Problem, Refusal
from artifactbuild.recording import Complete
from artifactbuild.release import adoption, environment, record, revisions
from artifactbuild.release.lock import Lock, Locked

UNLIKE_LOCK = "published, unlike the lock"
OWN_OUTPUTS = "published (outputs computed on this processor)"

NO_CAUSE = "the factory gives another model each time, or reads what the lock does not list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How a rebuilt format differs from the lock: its outcome, empty if that of any other is right.

    `note` says why.
    """

    outcome: str = ""
    note: str = ""


def against_lock(
    work: Job,
    complete: tuple[Complete, ...],
    *,
    damaged: frozenset[str] = frozenset(),
    accept_different: bool = False,
) -> Mapping[str, Finding]:
    """Hold rebuilt artifacts against the lock; return what is to be said, by format.

    Formats that are `damaged` are replaced by the bytes of the lock alone. With `accept_different`
    another payload is a finding, too, if this environment is not that of the lock.

    Raises:
        Refusal: when a payload is not the released one, or nothing explains what differs.
    """
    memory = work.memory
    if memory is None:
        return {}
    edited = [*adoption.beyond(memory)]
    if edited:
        raise Refusal(*(_edited(work, sentence) for sentence in edited))
    pairs = [(each, known) for each in complete if (known := work.locked(each.record.format))]
    problems = [
        _of_another_model(work, each, memory)
        for each in complete
        if work.locked(each.record.format) is None and not _is_of_version(each, memory)
    ]
    findings: dict[str, Finding] = {}
    different: list[tuple[Complete, Locked]] = []
    for each, known in pairs:
        format = each.record.format
        if each.files == known.files:
            continue
        drift = environment.drift(memory.environment, each.here.environment)
        if format in damaged:
            problems.append(_not_repaired(work, each, known, drift))
        elif not known.is_payload(each.files):
            if drift and accept_different:
                note = f"{_first(each, known)} differs; {'; '.join(drift)}"
                findings[format] = Finding(outcome=UNLIKE_LOCK, note=note)
            elif planning.rewriting(format, memory):
                problems.append(_rewritten(work, each, known, memory, drift))
            elif not drift:
                problems.append(_not_reproduced(work, each, known))
            else:
                different.append((each, known))
        elif each.files.get(record.REFERENCE) != known.files.get(record.REFERENCE):
            findings[format] = Finding(outcome=OWN_OUTPUTS)
        else:
            why = _why_facts_differ(work, each, known, memory, drift)
            if why is None:
                problems.append(_not_reproduced(work, each, known))
            else:
                findings[format] = Finding(note=why)
    if different:
        problems.append(_different(work, different, memory))
    if problems:
        raise Refusal(*problems)
    return findings


def _is_of_version(each: Complete, memory: Lock) -> bool:
    """Tell whether a format that joins a version is of the version's model, by its weights."""
    weights = each.record.architecture.weights_sha256[: len(memory.totals.weights_digest)]
    return weights == memory.totals.weights_digest


def _of_another_model(work: Job, each: Complete, memory: Lock) -> Problem:
    drift = environment.drift(memory.environment, each.here.environment)
    why = f": {'; '.join(drift)}" if drift else ""
    message = f"the model that was made here is not that of {work.version}, its weights differ{why}"
    hint = f"release it under a new version: `artifactbuild bump {work.loaded.document.file}`"
    return work.problem(("formats", each.record.format), message, hint)


def measured(complete: tuple[Complete, ...]) -> str:
    """Say what was measured here, where the released figures are published; empty for others."""
    pairs = [(each.own, each.record) for each in complete if each.own is not None]
    if not pairs:
        return ""
    lines = [line for own, made in pairs for line in _measured(own, made)]
    if not lines:
        return "measured here: every figure is the released one"
    more = f", and {len(lines) - _FEW} more" if len(lines) > _FEW else ""
    return f"measured here: {', '.join(lines[:_FEW])}{more}"


_FEW = 3


def _measured(own: record.Record, made: record.Record) -> Iterator[str]:
    """Yield each figure that was measured here and is not the released one."""
    for here, then in zip(own.checks, made.checks, strict=True):
        if here.max_abs != then.max_abs:
            yield (
                f"{own.format}/{here.loader} {here.compared} ≈ {here.against} within "
                f"{here.max_abs:.2g} (released: {then.max_abs:.2g})"
            )
    for value, known in zip(own.measures, made.measures, strict=True):
        if value.value != known.value:
            yield (
                f"{own.format}/{value.loader} {value.metric} {value.value:.4g} "
                f"(released: {known.value:.4g})"
            )


def _why_facts_differ(
    work: Job, each: Complete, locked: Locked, memory: Lock, drift: tuple[str, ...]
) -> str | None:
    """Say why record or card are not the released ones; None if nothing explains it."""
    if memory.release is None:
        return ""
    if revisions.newer(revisions.METADATA, memory.release.revisions):
        return (
            f"{record.FILE} and {record.CARD} are written by a newer artifactbuild than the "
            "lock's; the payload is the released one"
        )
    if each.files[record.FILE] == locked.files.get(record.FILE):
        own = work.loaded.manifest.card_template is not None
        return f"{record.CARD} is made by today's template" if own else None
    if drift:
        return f"{record.FILE} is of this environment: {'; '.join(drift)}"
    return None


def _rewritten(
    work: Job, each: Complete, locked: Locked, memory: Lock, drift: tuple[str, ...]
) -> Problem:
    """Name the revision of a writer as the cause of another payload."""
    format = each.record.format
    causes = "; ".join((planning.rewriting(format, memory), *drift))
    message = (
        f"{format} is not the {work.version} that was released: {_first(each, locked)} differs; "
        f"{causes}"
    )
    return work.problem(("formats", format), message, examining.restoring(work))


def _different(work: Job, apart: list[tuple[Complete, Locked]], memory: Lock) -> Problem:
    """Name the environment as the cause of other payloads, once for all formats."""
    file, records = work.loaded.document.file, [each.record for each, _ in apart]
    drift = dict.fromkeys(
        line
        for each, _ in apart
        for line in environment.drift(memory.environment, each.here.environment)
    )
    weights = records[0].architecture.weights_sha256[: len(memory.totals.weights_digest)]
    trained = () if weights == memory.totals.weights_digest else ("the weights differ",)
    several = len(records) > 1
    verb, differ = ("are", "differ") if several else ("is", "differs")
    files = dict.fromkeys(_first(each, locked) for each, locked in apart)
    message = (
        f"{', '.join(made.format for made in records)} {verb} not the {work.version} that was "
        f"released: {', '.join(files)} {differ}; {'; '.join((*trained, *drift))}"
    )
    hint = (
        f"use the released {work.version}, or release what this environment makes under a new "
        f"version: `artifactbuild bump {file}`; `artifactbuild build --accept-different {file}` "
        f"publishes it here as {work.version}, and leaves the lock as it is"
    )
    return work.problem(("version",) if several else ("formats", records[0].format), message, hint)


def _not_reproduced(work: Job, each: Complete, locked: Locked) -> Problem:
    message = f"{each.record.format} was not reproduced: {_apart(work, each, locked)}"
    return work.problem(("formats", each.record.format), message, NO_CAUSE)


def _not_repaired(work: Job, each: Complete, locked: Locked, drift: tuple[str, ...]) -> Problem:
    format = each.record.format
    folder = shown(work.folder(format))
    message = f"{format} was not repaired, {folder} is as it was: {_apart(work, each, locked)}"
    hint = NO_CAUSE
    rewritten = planning.rewriting(format, work.memory) if work.memory is not None else ""
    if rewritten and not locked.is_payload(each.files):
        hint = f"{rewritten}: {examining.restoring(work)}"
    elif drift:
        hint = (
            f"the environment is not that of the lock ({'; '.join(drift)}): repair it there, or "
            f"move {folder} elsewhere and run `artifactbuild build --accept-different "
            f"{work.loaded.document.file}`, which publishes what this environment makes"
        )
    return work.problem(("formats", format), message, hint)


def _edited(work: Job, sentence: str) -> Problem:
    hint = f"restore the lock with `git checkout {work.lock_shown}`"
    return Problem(
        file=work.lock_shown, message=f"states a figure of no release: {sentence}", hint=hint
    )


def _apart(work: Job, each: Complete, locked: Locked) -> str:
    name = _first(each, locked)
    return (
        f"{name} is {each.files.get(name, 'not made')}, "
        f"the lock of {work.version} says {locked.files.get(name, 'none')}"
    )


def _first(each: Complete, locked: Locked) -> str:
    """Return the first file that differs, the payload's before others."""
    names = {*each.files, *locked.files}
    apart = [name for name in names if each.files.get(name) != locked.files.get(name)]
    return min(apart, key=lambda name: (name in record.FACTS, name))
