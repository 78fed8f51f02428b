"""Drift: the named ways in which manifest, sources, lock and artifacts disagree. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild import pipeline, plan
from artifactbuild.job import Job, shown
from artifactbuild.plan import Current, Published
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import card, digest, environment, record
from artifactbuild.release.lock import Locked
from artifactbuild.review.kinds import KINDS


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
    known, unreadable = _readable(work) if artifacts else ({}, [])
    remembered = [each.inputs for each in known.values()]
    if work.memory is not None:
        remembered.append(work.memory.inputs)
    now = pipeline.current(work, remembered)
    found = [*_impossible(work, now, known), *_inputs(work, now, known), *_formats(work)]
    if artifacts:
        found += [*unreadable, *_published(work, known), *_cards(work, known)]
    return tuple(found)


def _readable(work: Job) -> tuple[dict[str, Published], list[Drift]]:
    """Return what is published, and drift for each format whose record cannot be read."""
    known: dict[str, Published] = {}
    unreadable = []
    for format in work.formats:
        folder = work.folder(format)
        if work.store.is_published(work.name, format, work.version):
            try:
                known[format] = pipeline.published_as(folder)
            except Refusal as refusal:
                what = f"{shown(folder / record.FILE)}: {refusal.problems[0].message}"
                where = ("formats", format)
                unreadable.append(
                    _drift(work, "artifact-unreadable", where, what=what, folder=folder)
                )
    return known, unreadable


def _impossible(work: Job, now: Current, known: Mapping[str, Published]) -> Iterator[Drift]:
    made = plan.make(work.loaded.manifest, now, work.lock, known)
    for step in made.of(plan.REFUSE):
        if step.impossible:
            yield _drift(work, "format-impossible", ("formats", step.format), what=step.reason)


def _inputs(work: Job, now: Current, known: Mapping[str, Published]) -> Iterator[Drift]:
    """Hold the manifest and the sources against what the version was made from."""
    memory = work.memory
    if memory is None:
        name = "not-locked" if work.lock is None else "lock-stale"
        yield _drift(work, name, what=work.lock.version if work.lock else "")
    before = memory.inputs if memory else next((each.inputs for each in known.values()), None)
    if before is None:
        return
    sources = {name: d for name, d in now.inputs.sources.items() if name in before.sources}
    for key in plan.differing(before.manifest, now.inputs.manifest):
        yield _drift(work, "manifest-changed", (key,), what=key)
    for name in plan.differing(before.sources, sources):
        kind = "source-changed" if name in sources else "source-missing"
        yield _drift(work, kind, ("factory",), what=name)
    apart = environment.drift(memory.environment, now.environment) if memory else ()
    if apart:
        what = f"the environment changed ({'; '.join(apart)})"
        yield _drift(work, "environment-changed", what=what)


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


def _published(work: Job, known: Mapping[str, Published]) -> Iterator[Drift]:
    """Hold what is published here against the lock, file by file."""
    locked = work.memory.artifacts if work.memory else {}
    lacking = [
        format
        for format in work.formats
        if format in locked and not work.store.is_published(work.name, format, work.version)
    ]
    if lacking:
        yield _drift(work, "not-published", what=", ".join(lacking))
    for format in known:
        if format not in locked:
            yield _drift(work, "published-not-locked", ("formats", format), what=format)
        else:
            yield from _artifact(work, format, locked[format])


def _artifact(work: Job, format: str, locked: Locked) -> Iterator[Drift]:
    folder, where = work.folder(format), ("formats", format)
    found = digest.of_folder(folder)
    if found.get(record.FILE) != locked.files.get(record.FILE) and _elsewhere(work, folder):
        yield _drift(work, "artifact-unlike-lock", where, what=shown(folder), folder=folder)
        return
    for name in plan.differing(locked.files, found):
        kind = (
            "missing" if name not in found else "extra" if name not in locked.files else "changed"
        )
        what = shown(folder / name)
        yield _drift(work, f"artifact-{kind}", where, what=what, folder=folder)


def _elsewhere(work: Job, folder: Path) -> bool:
    """Tell whether an artifact was built in another environment than the lock's."""
    assert work.memory is not None
    return bool(environment.drift(work.memory.environment, record.read(folder).environment))


def _cards(work: Job, known: Mapping[str, Published]) -> Iterator[Drift]:
    """Render the cards again."""
    for format in known:
        file = work.folder(format) / record.CARD
        if file.is_file():
            now = card.render_file(work.folder(format) / record.FILE, work.template)
            if file.read_text(encoding="utf-8") != now:
                yield _drift(work, "card-stale", ("formats", format), what=shown(file))


def _drift(
    work: Job,
    name: str,
    where: tuple[Any, ...] = ("version",),
    *,
    what: str = "",
    folder: Path | None = None,
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
    sentence, repair = kind.sentence.format(**words), kind.repair.format(**words)
    problem = work.problem(where, f"{name}: {sentence}", f"`{repair}`")
    return Drift(name=name, sentence=sentence, repair=repair, error=kind.error, problem=problem)
