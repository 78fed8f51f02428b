"""Drift: the named ways in which manifest, sources, lock and artifacts disagree. Nothing is run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild import examining, plan
from artifactbuild.examining import Seen
from artifactbuild.job import Job, shown
from artifactbuild.manifest.leaving import way_out
from artifactbuild.plan import Current
from artifactbuild.problems import Problem
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import damage, environment, record
from artifactbuild.release.damage import Damage
from artifactbuild.release.record import Inputs
from artifactbuild.release.sources import ABSENT, PRESENT
from artifactbuild.resources import card_template
from artifactbuild.review.kinds import KINDS, REPAIR


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One disagreement: its name, the sentence and the command, and where in the manifest it is."""

    name: str
    sentence: str
    repair: str
    error: bool
    problem: Problem


def find(work: Job, *, artifacts: bool = True) -> tuple[Drift, ...]:
    """Find all drift of one manifest; without `artifacts`, in what is committed alone."""
    return of(examining.see(work)) if artifacts else committed(work)


def of(seen: Seen) -> tuple[Drift, ...]:
    """Find all drift of what was seen of a manifest."""
    return (
        *_without_artifacts(seen),
        *_published(seen),
        *_cards(seen),
    )


def committed(work: Job) -> tuple[Drift, ...]:
    """Find the drift in what is committed, without a look at artifacts."""
    return tuple(_without_artifacts(Seen(work=work, records={}, files={}, damaged={})))


def _without_artifacts(seen: Seen) -> Iterator[Drift]:
    now = examining.current(seen)
    yield from _impossible(seen, now)
    yield from _inputs(seen, now)
    yield from _formats(seen.work)


def _impossible(seen: Seen, now: Current) -> Iterator[Drift]:
    work = seen.work
    made = plan.make(work.loaded.manifest, now, work.lock, seen.published)
    refused = [step for step in made.of(plan.REFUSE) if step.impossible]
    for step in refused:
        if step.format not in seen.damaged:
            hint = way_out(step.format, [s.format for s in refused], work.loaded.manifest)
            where = ("formats", step.format)
            yield _drift(work, "format-impossible", where, what=step.reason, hint=hint)


def _inputs(seen: Seen, now: Current) -> Iterator[Drift]:
    """Hold the manifest and the sources against what the version was made from."""
    work, memory = seen.work, seen.work.memory
    if memory is None:
        name = "not-locked" if work.lock is None else "lock-stale"
        yield _drift(work, name, what=work.lock.version if work.lock else "")
    before = next(iter(seen.remembered if memory is None else [memory.inputs]), None)
    if before is None:
        return
    for key in plan.differing(before.manifest, now.inputs.manifest):
        yield _drift(work, "manifest-changed", (key,), what=key)
    yield from _read(work, before, now.inputs)
    apart = environment.drift(memory.environment, now.environment) if memory else ()
    if apart:
        what = f"the environment changed ({'; '.join(apart)})"
        yield _drift(work, "environment-changed", what=what)


def _read(work: Job, before: Inputs, now: Inputs) -> Iterator[Drift]:
    """Compare what the project's code read when the version was released with what is there now."""
    sources = {name: state for name, state in now.sources.items() if name in before.sources}
    for name in plan.differing(before.sources, sources):
        was = before.sources.get(name)
        what = f"the list of files in {name}" if name.endswith("/") and was != PRESENT else name
        kind = "source-changed" if name in sources else "source-missing"
        yield _drift(work, "source-new" if was == ABSENT else kind, ("factory",), what=what)
    for name in plan.differing(before.variables, now.variables):
        yield _drift(work, "variable-changed", ("factory",), what=name)
    for what in environment.drift(before.distributions, now.distributions):
        yield _drift(work, "distribution-changed", ("factory",), what=what)
    for name in sorted(before.distributions.keys() - now.distributions.keys()):
        yield _drift(work, "distribution-missing", ("factory",), what=name)


def _formats(work: Job) -> Iterator[Drift]:
    """Hold the formats that are asked for against those that the lock has."""
    if work.memory is None:
        return
    locked = work.memory.artifacts
    for request in work.loaded.manifest.formats:
        where = ("formats", request.name)
        if request.name not in locked:
            yield _drift(work, "format-not-locked", where, what=request.name)
        elif dict(locked[request.name].options) != dict(request.options):
            yield _drift(work, "options-changed", where, what=request.name)
    dropped = sorted(set(locked) - set(work.formats))
    if dropped:
        yield _drift(work, "format-dropped", ("formats",), what=", ".join(dropped))


def _published(seen: Seen) -> Iterator[Drift]:
    """Hold what is published here against the lock, file by file."""
    work = seen.work
    locked = work.memory.artifacts if work.memory else {}
    there = {*seen.records, *seen.damaged}
    lacking = [format for format in work.formats if format in locked and format not in there]
    if lacking:
        yield _drift(work, "not-published", what=", ".join(lacking))
    for format in seen.records:
        folder, where = work.folder(format), ("formats", format)
        if format not in locked:
            yield _drift(work, "published-not-locked", where, what=format)
        elif dict(seen.files[format]) != dict(locked[format].files):
            yield _drift(work, "artifact-unlike-lock", where, what=shown(folder), folder=folder)
    for format, damaged in seen.damaged.items():
        yield from _damaged(work, format, damaged)


def _damaged(work: Job, format: str, damaged: tuple[Damage, ...]) -> Iterator[Drift]:
    """Name each file of a damaged artifact; without a lock, all of them at once."""
    folder, where = work.folder(format), ("formats", format)
    if work.locked(format) is None:
        what = damage.sentence(damaged)
        yield _drift(work, "artifact-damaged", where, what=what, folder=folder)
        return
    for each in damaged:
        what = shown(folder / each.file) + (f": {each.why}" if each.why else "")
        yield _drift(work, f"artifact-{each.kind}", where, what=what, folder=folder)


def _cards(seen: Seen) -> Iterator[Drift]:
    """Render the cards again, but for those of which it is known what would come out."""
    work = seen.work
    for format in seen.records:
        file = work.folder(format) / record.CARD
        if file.is_file() and not _is_vouched_for(seen, format):
            from artifactbuild.release import card  # Jinja takes longer than all the rest of this

            now = card.render_file(work.folder(format) / record.FILE, work.template)
            if _content(file) != now.encode():
                yield _drift(work, "card-stale", ("formats", format), what=shown(file))


def _content(file: Path) -> bytes | None:
    try:
        return bounded(file, record.MAX_BYTES)
    except Unreadable:
        return None


def _is_vouched_for(seen: Seen, format: str) -> bool:
    """Tell whether the lock has record and card to the byte, and this version of us made them.

    Its own template makes the same card of the same record; a project's may have changed.
    """
    work, found, made = seen.work, seen.files[format], seen.records[format]
    locked = work.memory.artifacts.get(format) if work.memory is not None else None
    return (
        locked is not None
        and work.template == card_template()
        and environment.is_own(made.environment)
        and all(found.get(n) == locked.files.get(n) for n in (record.FILE, record.CARD))
    )


def _drift(
    work: Job,
    name: str,
    where: tuple[Any, ...] = ("version",),
    *,
    what: str = "",
    folder: Path | None = None,
    hint: str = "",
) -> Drift:
    kind = KINDS[name]
    words = {
        "what": what,
        "version": work.version,
        "manifest": work.loaded.document.file,
        "lock": work.lock_shown,
        "root": shown(work.store.root),
        "folder": shown(folder) if folder is not None else "",
    }
    sentence = kind.sentence.format(**words)
    repair = kind.repair.format(**{name: shlex.quote(word) for name, word in words.items()})
    if kind.repair == REPAIR:
        repair = work.repair
    problem = work.problem(where, f"{name}: {sentence}", hint or f"`{repair}`")
    return Drift(name=name, sentence=sentence, repair=repair, error=kind.error, problem=problem)
