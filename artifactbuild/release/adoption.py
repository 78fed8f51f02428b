"""The facts of a release: taken into its lock once, and adopted by every rebuild of it.

A rebuild whose payload is the released one states what was found out when it was released: texts,
date, environment, inputs, and the figures that were measured. So it gives the released files, to
the byte, on a machine that would measure other figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from artifactbuild.data import decode, encode
from artifactbuild.release import environment, revisions
from artifactbuild.release.lock import Lock, LockedFigure, LockedValue, Release
from artifactbuild.release.record import Check, Inputs, Measure, Record

TEXTS = ("about", "data", "evaluation", "notes", "training")
"""What a record says in the words of the manifest's `metadata`."""

KINDS = ("manifest", "sources", "variables", "distributions")
"""The kinds of inputs."""

ENVIRONMENT = "environment"

STATED_BY = frozenset({"custom_objects", "factory", "kwargs", "seed"})
"""Keys of the manifest that a record repeats."""

STATED = ("custom_objects", "factory", "kwargs", "loaders", "seed")
"""The fields of a record that follow those keys, which may say something else after `relock`."""


def release(records: Mapping[str, Record], before: Release | None) -> Release:
    """Return the facts of a release; what was recorded `before` stands, new formats join it."""
    first = next(iter(records.values()))
    texts = {key: getattr(first, key) for key in TEXTS}
    writers = (revisions.METADATA, *records)
    written = {each: revisions.CURRENT.get(each, revisions.FIRST) for each in writers}
    figures = [*(before.figures if before else ()), *_figures(records)]
    values = [*(before.values if before else ()), *_values(records)]
    return Release(
        revisions={**written, **(before.revisions if before else {})},
        metadata=before.metadata if before else {key: each for key, each in texts.items() if each},
        figures=tuple(sorted(figures, key=lambda each: (each.checks, each.compared, each.against))),
        values=tuple(sorted(values, key=lambda each: (each.loaders, each.metric, each.output))),
        inputs=before.inputs if before else first.inputs,
    )


def apart(made: Record, lock: Lock) -> dict[str, dict[str, str]]:
    """Return how a format that joined a version later differs from it, by kind and name."""
    assert lock.release is not None
    found = {ENVIRONMENT: _difference(_environment(made.format, lock), made.environment)}
    for kind in KINDS:
        own, base = getattr(made.inputs, kind), getattr(lock.release.inputs, kind)
        found[kind] = _difference(base, own)
    return {kind: each for kind, each in found.items() if each}


def adopted(made: Record, lock: Lock) -> Record:
    """Return the record of a rebuilt format with the facts that its lock has of the release.

    From a lock that has no `release`, only what it has is adopted.
    """
    own = lock.artifacts[made.format].own
    known = lock.release
    surroundings = _applied(_environment(made.format, lock), own.get(ENVIRONMENT, {}))
    return replace(
        _as_stated(in_words_of(made, lock), lock),
        created_at=lock.created_at,
        tensorflow_version=surroundings.get("tensorflow", made.tensorflow_version),
        keras_version=surroundings.get("keras", made.keras_version),
        environment=surroundings,
        inputs=_inputs(lock, own),
        checks=tuple(_measured(made, check, known) for check in made.checks),
        measures=tuple(_valued(made, measure, known) for measure in made.measures),
    )


def in_words_of(made: Record, lock: Lock) -> Record:
    """Return a record with the texts of the release: an edit of them appears in a new version."""
    if lock.release is None:
        return made
    said = lock.release.metadata
    return replace(
        made,
        about=said.get("about", {}),
        data=said.get("data", {}),
        evaluation=said.get("evaluation", {}),
        notes=said.get("notes", ""),
        training=said.get("training", {}),
    )


def _as_stated(made: Record, lock: Lock) -> Record:
    """Return a record that states of the manifest what the released one does."""
    stated = lock.inputs.stated.get(made.format)
    return decode(Record, {**encode(made), **stated}) if stated else made


def beyond(lock: Lock) -> Iterator[str]:
    """Yield a sentence for each figure of a lock that is not within its own bound."""
    for each in lock.release.figures if lock.release else ():
        if each.max_abs is None or each.bound is None or not each.max_abs <= each.bound:
            yield (
                f"{each.compared} of {each.checks[0] if each.checks else 'no check'} "
                f"differ from {each.against} by {each.max_abs}, the bound is {each.bound}"
            )


def _environment(format: str, lock: Lock) -> dict[str, str]:
    """Return the environment of a version, as the record of one of its formats tells it."""
    others = {
        name for each, names in environment.OF_FORMATS.items() if each != format for name in names
    }
    left_out = others - {*environment.OF_FORMATS.get(format, ())}
    return {name: value for name, value in lock.environment.items() if name not in left_out}


def _inputs(lock: Lock, own: Mapping[str, Mapping[str, str]]) -> Inputs:
    base: Inputs = lock.release.inputs if lock.release else lock.inputs
    found = {kind: _applied(getattr(base, kind), own.get(kind, {})) for kind in KINDS}
    return Inputs(**found)


def _difference(base: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    names = sorted(name for name in {*base, *own} if base.get(name) != own.get(name))
    return {name: own.get(name, "") for name in names}


def _applied(base: Mapping[str, str], difference: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in sorted({**base, **difference}.items()) if value}


def _figures(records: Mapping[str, Record]) -> Iterator[LockedFigure]:
    """Yield what was measured within a tolerance, one line for checks that measured the same."""
    alike: dict[tuple[Any, ...], list[str]] = {}
    for format, made in records.items():
        for check in made.checks:
            if _is_measured(check):
                key = (check.compared, check.against, check.max_abs, check.bound)
                alike.setdefault(key, []).append(f"{format}/{check.loader}")
    for (compared, against, largest, bound), names in alike.items():
        yield LockedFigure(
            checks=tuple(sorted(names)),
            compared=compared,
            against=against,
            max_abs=largest,
            bound=bound,
        )


def _values(records: Mapping[str, Record]) -> Iterator[LockedValue]:
    alike: dict[tuple[Any, ...], list[str]] = {}
    for format, made in records.items():
        for each in made.measures:
            key = (each.metric, each.output, each.value, each.model)
            alike.setdefault(key, []).append(f"{format}/{each.loader}")
    for (metric, output, value, model), names in alike.items():
        yield LockedValue(
            loaders=tuple(sorted(names)), metric=metric, output=output, value=value, model=model
        )


def _is_measured(check: Check) -> bool:
    """Tell whether a check has a figure that another machine may not find."""
    return check.compare == "allclose" and check.max_abs is not None


def _measured(made: Record, check: Check, known: Release | None) -> Check:
    """Return a check with the figure of the release."""
    name = f"{made.format}/{check.loader}"
    for each in known.figures if known else ():
        same = (each.compared, each.against) == (check.compared, check.against)
        if same and name in each.checks and _is_measured(check):
            return replace(check, max_abs=each.max_abs, bound=each.bound)
    return check


def _valued(made: Record, measure: Measure, known: Release | None) -> Measure:
    """Return a measure with the value of the release."""
    name = f"{made.format}/{measure.loader}"
    for each in known.values if known else ():
        if (each.metric, each.output) == (measure.metric, measure.output) and name in each.loaders:
            return replace(measure, value=each.value, model=each.model)
    return measure
