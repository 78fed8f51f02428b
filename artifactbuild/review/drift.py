"""Drift: the named ways in which manifest, sources, lock and artifacts disagree. Nothing is run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from artifactbuild import acceptance, examining, plan
from artifactbuild.examining import Seen
from artifactbuild.job import Job, in_kinds_of, shown
from artifactbuild.manifest import weaker
from artifactbuild.manifest.leaving import way_out
from artifactbuild.manifest.model import FormatRequest
from artifactbuild.plan import Current
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import damage, environment, line_endings, record
from artifactbuild.release.damage import Damage
from artifactbuild.release.record import Inputs
from artifactbuild.release.sources import ABSENT, PRESENT
from artifactbuild.resources import card_template
from artifactbuild.review import releasing, texting
from artifactbuild.review.disagreement import Drift, made


def find(work: Job, *, artifacts: bool = True) -> tuple[Drift, ...]:
    """Find all drift of one manifest; without `artifacts`, in what is committed alone."""
    return of(examining.see(work)) if artifacts else committed(work)


def of(seen: Seen) -> tuple[Drift, ...]:
    """Find all drift of what was seen of a manifest."""
    known = (*_without_artifacts(seen), *_published(seen))
    # A template that changed is one warning, not one for each card.
    texts = any(each.name == texting.NAME for each in known)
    return (*known, *(() if texts else _cards(seen)))


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
    planned = plan.make(work.loaded.manifest, now, work.lock, seen.published)
    refused = [step for step in planned.of(plan.REFUSE) if step.impossible]
    for step in refused:
        if step.format not in seen.damaged:
            hint = way_out(step.format, [s.format for s in refused], work.loaded.manifest)
            where = ("formats", step.format)
            yield made(work, "format-impossible", where, what=step.reason, hint=hint)


def _inputs(seen: Seen, now: Current) -> Iterator[Drift]:
    """Hold the manifest and the sources against what the version was made from."""
    work, memory = seen.work, seen.work.memory
    if memory is None:
        yield from releasing.unreleased(work)
    before = next(iter(seen.remembered if memory is None else [memory.inputs]), None)
    if before is None:
        return
    before = in_kinds_of(work, before, seen.remembered)
    for key in plan.differing(before.manifest, now.inputs.manifest):
        if key not in plan.TEXT:
            yield made(work, "manifest-changed", (key,), what=key)
    for where, what in texting.changed(work, before, now.inputs):
        yield made(work, texting.NAME, where, what=what, at="key")
    yield from _read(work, before, now.inputs)
    here = now.environment
    known = acceptance.accepted(memory, here) if memory is not None else {}
    apart = environment.library_drift(known, here)
    if apart:
        what = f"the environment changed ({'; '.join(apart)})"
        yield made(work, "environment-changed", what=what, causes=apart)


def _read(work: Job, before: Inputs, now: Inputs) -> Iterator[Drift]:
    """Compare what the project's code read when the version was released with what is there now."""
    texts = plan.texts(before, now)
    sources = {name: state for name, state in now.sources.items() if name in before.sources}
    for name in plan.differing(before.sources, sources):
        if name in texts:
            continue
        was = before.sources.get(name)
        if was is not None and (endings := line_endings.named(sources.get(name, ""))):
            yield _line_endings(work, name, was, endings)
            continue
        what = f"the list of files in {name}" if name.endswith("/") and was != PRESENT else name
        kind = "source-changed" if name in sources else "source-missing"
        where = shown(Path(os.path.normpath(work.loaded.path.parent / name)))
        cause = what.replace(name, where + "/" * name.endswith("/"))
        kind = "source-new" if was == ABSENT else kind
        yield made(work, kind, ("factory",), what=what, causes=[cause], file=where)
    for name in plan.differing(before.variables, now.variables):
        yield made(work, "variable-changed", ("factory",), what=name, causes=[name])
    for what in environment.drift(before.distributions, now.distributions):
        yield made(work, "distribution-changed", ("factory",), what=what, causes=[what])
    for name in sorted(before.distributions.keys() - now.distributions.keys()):
        yield made(work, "distribution-missing", ("factory",), what=name, causes=[name])


def _line_endings(work: Job, name: str, was: str, endings: str) -> Drift:
    """Name a file that git, or an editor, gave other line endings."""
    repair = line_endings.repair(work.loaded.path.parent / name, was)
    found = made(work, "source-line-endings", ("factory",), what=name, endings=endings)
    return replace(found, repair=repair, problem=replace(found.problem, hint=f"`{repair}`"))


def _formats(work: Job) -> Iterator[Drift]:
    """Hold the formats that are asked for against those that the lock has."""
    if work.memory is None:
        return
    locked = work.memory.artifacts
    for request in work.loaded.manifest.formats:
        where = ("formats", request.name)
        if request.name not in locked:
            yield made(work, "format-not-locked", where, what=request.name)
        else:
            yield from _options(work, request, locked[request.name].options)
        if rewritten := plan.rewriting(request.name, work.memory):
            yield made(work, "writer-newer", where, what=rewritten)
    dropped = sorted(set(locked) - set(work.formats))
    if dropped:
        yield made(work, "format-dropped", ("formats",), what=", ".join(dropped))


def _options(work: Job, request: FormatRequest, before: Mapping[str, Any]) -> Iterator[Drift]:
    """Hold the options of a format against the lock; a wider tolerance has a name of its own."""
    where, name = ("formats", request.name), request.name
    outputs = tuple(tensor.name for tensor in work.memory.output_signature) if work.memory else ()
    was, now = (weaker.rules_of(each, name, outputs) for each in (before, request.options))
    wider = weaker.changes(was, now)
    for output, what in wider.items():
        of = f"{output!r} in {name}" if output else name
        yield made(work, "tolerance-wider", where, what=f"{of} ({what})")
    apart = plan.differing(before, request.options)
    if apart and not (wider and set(apart) <= {"tolerance", "compare", "outputs"}):
        yield made(work, "options-changed", where, what=name)


def _published(seen: Seen) -> Iterator[Drift]:
    """Hold what is published here against the lock, file by file."""
    work = seen.work
    locked = work.memory.artifacts if work.memory else {}
    there = {*seen.records, *seen.damaged}
    lacking = [format for format in work.formats if format in locked and format not in there]
    if lacking:
        yield made(work, "not-published", what=", ".join(lacking))
    for format in seen.records:
        folder, where = work.folder(format), ("formats", format)
        if format not in locked:
            yield made(work, "published-not-locked", where, what=format)
        elif not locked[format].is_payload(seen.files[format]):
            yield made(work, "artifact-unlike-lock", where, what=shown(folder), folder=folder)
    for format, damaged in seen.damaged.items():
        yield from _damaged(work, format, damaged)


def _damaged(work: Job, format: str, damaged: tuple[Damage, ...]) -> Iterator[Drift]:
    """Name each file of a damaged artifact; without a lock, all of them at once."""
    folder, where = work.folder(format), ("formats", format)
    if work.locked(format) is None:
        what = damage.sentence(damaged)
        yield made(work, "artifact-damaged", where, what=what, folder=folder)
        return
    for each in damaged:
        what = shown(folder / each.file) + (f": {each.why}" if each.why else "")
        yield made(work, f"artifact-{each.kind}", where, what=what, folder=folder)


def _cards(seen: Seen) -> Iterator[Drift]:
    """Render the cards again, but for those of which it is known what would come out."""
    work = seen.work
    for format in seen.records:
        file = work.folder(format) / record.CARD
        if file.is_file() and not _is_vouched_for(seen, format):
            from artifactbuild.release import card  # Jinja takes longer than all the rest of this

            now = card.render_file(work.folder(format) / record.FILE, work.template)
            if _content(file) != now.encode():
                yield made(work, "card-stale", ("formats", format), what=shown(file))


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
