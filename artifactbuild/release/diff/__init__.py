"""What differs between two sides of a model: pure, from manifests, locks and records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from artifactbuild.release.diff import checks, contract, layers
from artifactbuild.release.diff.nouns import (
    ADDED,
    CHANGED,
    REMOVED,
    CheckChange,
    Difference,
    Outputs,
    Side,
    ValueChange,
)
from artifactbuild.release.lock import Lock, LockedMeasure

__all__ = ["make", "values"]

HEADLINE = ("name", "version")
"""Keys of the manifest that the summary tells."""


def make(before: Side, after: Side, outputs: Outputs) -> Difference:
    """Return what differs; what was not built on both sides is told from the manifests alone."""
    was, now = before.lock, after.lock
    fields, relied_on = tuple(_fields(before, after)), tuple(contract.changes(before, after))
    if was is None or now is None:
        return Difference(
            before=before, after=after, fields=fields, contract=relied_on, outputs=outputs
        )
    return Difference(
        before=before,
        after=after,
        fields=fields,
        contract=relied_on,
        layers=layers.compare(was, now),
        outputs=outputs,
        checks=tuple(_checks(was, now)),
        measures=tuple(_measures(was, now)),
        sizes=tuple(values(_sizes(was), _sizes(now))),
        environment=tuple(values(_installed(was), _installed(now))),
        sources=tuple(values(_read(was), _read(now))),
    )


def _installed(lock: Lock) -> Mapping[str, str]:
    return {**lock.inputs.distributions, **lock.accepted}


def _read(lock: Lock) -> Mapping[str, str]:
    """Return the digests of files and variables, by name; a variable's has a dollar sign."""
    variables = {f"${name}": value for name, value in lock.inputs.variables.items()}
    return {**lock.inputs.sources, **variables}


def values(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ValueChange]:
    """Yield the entries of two flat mappings that differ, sorted."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield ValueChange(name=name, before=before.get(name), after=after.get(name))


def _fields(before: Side, after: Side) -> Iterator[ValueChange]:
    """Yield the keys of the manifest that differ: by value, else by the digests of the locks."""
    if before.manifest is not None and after.manifest is not None:
        flat = dict(_leaves(before.manifest)), dict(_leaves(after.manifest))
        yield from (each for each in values(*flat) if each.name.partition(".")[0] not in HEADLINE)
    elif before.lock is not None and after.lock is not None:
        yield from (
            each
            for each in values(before.lock.inputs.manifest, after.lock.inputs.manifest)
            if each.name not in HEADLINE
        )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value under its path; entries of a list that have names are told by them."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(_is_named(item) for item in value):
        for item in value:
            rest = {key: inner for key, inner in item.items() if key != "name"}
            yield from _leaves(rest, f"{path}.{item['name']}")
    else:
        yield path, value


def _is_named(value: Any) -> bool:
    return isinstance(value, Mapping) and "name" in value and len(value) > 1


def _checks(before: Lock, after: Lock) -> Iterator[CheckChange]:
    """Yield what happened to the checks of the formats that both sides have."""
    was, now = checks.by_subject(before), checks.by_subject(after)
    shared = set(before.artifacts) & set(after.artifacts)
    for key in dict.fromkeys((*was, *now)):
        format, loader, subject = key
        old, new = was.get(key, ""), now.get(key, "")
        if format in shared and old != new:
            action = CHANGED if old and new else REMOVED if old else ADDED
            yield CheckChange(
                format=format,
                loader=loader,
                check=subject,
                action=action,
                before=old,
                after=new,
            )


def _measures(before: Lock, after: Lock) -> Iterator[ValueChange]:
    yield from values(_measured(before.measures), _measured(after.measures))


def _measured(measures: Iterable[LockedMeasure]) -> dict[str, float]:
    """Return the figures by name; loaders of a format that agree are told once."""
    return {
        f"{each.metric} of {each.output} by {each.format}"
        + (f" ({', '.join(each.loaders)})" if _disagree(each, measures) else ""): each.value
        for each in measures
    }


def _disagree(measure: LockedMeasure, measures: Iterable[LockedMeasure]) -> bool:
    alike = (measure.format, measure.metric, measure.output)
    return sum((m.format, m.metric, m.output) == alike for m in measures) > 1


def _sizes(lock: Lock) -> dict[str, int]:
    return {format: locked.size for format, locked in lock.artifacts.items()}
