"""What a reviewer may want to see of a difference, matter by matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from artifactbuild.release.diff.contract import FORMAT
from artifactbuild.release.diff.nouns import (
    ADDED,
    CHANGED,
    REMOVED,
    RENAMED,
    REWIRED,
    CheckChange,
    ContractChange,
    Difference,
    LayerChange,
    Layers,
    OutputChange,
    ValueChange,
    WeightChange,
)
from artifactbuild.review.phrases import action, arrow, arrow_text, few, source_action, value
from artifactbuild.review.telling import Command, Line, Name, Section
from artifactbuild.units import size

MEASURED = 20
"""How many layers are listed with how far their weights moved, those that moved most."""

ACTIONS = (CHANGED, ADDED, REMOVED, RENAMED, REWIRED)


def all_of(difference: Difference) -> Iterator[Section]:
    """Yield a section for each matter that differs, the gravest first."""
    yield from _contract(difference)
    if difference.layers is not None:
        yield from _architecture(difference.layers)
        yield from _weights(difference.layers)
    yield from _outputs(difference)
    yield from _validation(difference)
    yield from _values("size", "format", difference.sizes, _sized)
    sides = (difference.before, difference.after)
    by_digest = any(side is None or side.manifest is None for side in sides)
    told = (lambda each: (action(each),)) if by_digest else _changed
    yield from _values("manifest", "key", difference.fields, told)
    yield from _values("environment", "what", difference.environment, _changed)
    if difference.sources:
        rows = tuple(((Name(s.name),), (source_action(s),)) for s in difference.sources)
        yield Section(title="sources", header=("file", "what"), rows=rows)


def _contract(difference: Difference) -> Iterator[Section]:
    rows = tuple(
        (
            ("BREAKING" if each.breaking else "fine",),
            (f"{each.part} ", Name(each.name)),
            tuple(contract_change(each)),
            (each.why,),
        )
        for each in sorted(difference.contract, key=lambda each: not each.breaking)
    )
    if rows:
        yield Section(title="contract", header=("", "of", "change", "why"), rows=rows)


def contract_change(change: ContractChange) -> Iterator[str]:
    """Yield what became of an input, an output or a format."""
    yield change.what
    told = change.after if change.before is None else change.before
    if change.part == FORMAT:
        return
    yield " "
    if change.before is None or change.after is None:
        yield Name(value(told))
    else:
        yield from arrow(change.before, change.after)


def _architecture(layers: Layers) -> Iterator[Section]:
    changes = () if layers.unrelated else layers.changes
    rows = tuple(
        ((each.action,), (Name(each.name),), (Name(each.kind),), tuple(_layer(each)))
        for each in sorted(changes, key=lambda each: ACTIONS.index(each.action))
    )
    lines: list[Line] = []
    if layers.unrelated:
        lines.append(("no layer with weights is in both",))
    if layers.resized:
        lines.append(("resized by it: ", *few(layers.resized)))
    if layers.counted:
        first = layers.counted[0]
        more = f" and {len(layers.counted) - 1} more" if len(layers.counted) > 1 else ""
        lines.append(("counted otherwise by Keras: ", *arrow(first.before, first.after), more))
    if layers.totals:
        lines.append(("in all: ", ", ".join(f"{t.name} {arrow_text(t)}" for t in layers.totals)))
    if rows or lines:
        header = ("", "layer", "class", "what")
        yield Section(title="architecture", header=header, rows=rows, lines=tuple(lines))


def _layer(change: LayerChange) -> Iterator[str]:
    if change.action == RENAMED:
        yield "was "
        yield Name(change.was)
        yield ", the same but for the name"
        return
    parts = [f"was {change.was}"] if change.was != change.name else []
    parts += [_key(key, change.action) for key in change.keys]
    for index, part in enumerate(parts):
        yield ", " if index else ""
        yield Name(part)


def _key(key: ValueChange, action: str) -> str:
    if action in (ADDED, REMOVED):
        return f"{key.name} {value(key.after if action == ADDED else key.before)}"
    return f"{key.name} {arrow_text(key)}"


def _weights(layers: Layers) -> Iterator[Section]:
    if not layers.retrained:
        return
    measured = [each for each in layers.retrained if each.relative is not None]
    if measured:
        far = sorted(measured, key=lambda each: -(each.relative or 0.0))
        rows = tuple(((Name(each.layer),), (_moved(each),)) for each in far[:MEASURED])
        rest = len(layers.retrained) - len(rows)
        more: tuple[Line, ...] = ((f"and {rest} more",),) if rest else ()
        yield Section(
            title="weights, |after - before| / |before|",
            header=("layer", "moved by"),
            rows=rows,
            lines=more,
        )
        return
    count = f"{len(layers.retrained)} of {layers.of} layers have other weights: "
    names = [each.layer for each in layers.retrained]
    line: Line = (count, *few(names), " (", Command("--weights"), " measures how far)")
    yield Section(title="weights", lines=(line,))


def _moved(change: WeightChange) -> str:
    return f"{100 * (change.relative or 0.0):.3g} %"


def _outputs(difference: Difference) -> Iterator[Section]:
    outputs = difference.outputs
    moved = [each for each in outputs.changes if each.largest or each.flipped]
    if moved:
        lines = tuple(tuple(_output(each)) for each in moved)
        yield Section(title="outputs on the same reference inputs", lines=lines)
    elif outputs.why_not and weighty(difference):
        yield Section(title="outputs", lines=((outputs.why_not,),))


def _output(change: OutputChange) -> Iterator[str]:
    yield Name(change.name)
    told = []
    if change.largest is not None:
        told.append(
            f" moved by at most {change.largest:.3g}, {change.mean:.3g} on average, "
            f"on values up to {change.scale:.3g}"
        )
    if change.rows is not None:
        share = 100 * (change.flipped or 0) / change.rows
        told.append(f" {change.flipped} of {change.rows} rows choose otherwise ({share:.3g} %)")
    yield ";".join(told)


def _validation(difference: Difference) -> Iterator[Section]:
    alike: dict[tuple[str, str, str, str, str], list[CheckChange]] = {}
    for each in difference.checks:
        key = (each.action, each.format, each.check, each.before, each.after)
        alike.setdefault(key, []).append(each)
    rows = tuple(
        (
            (action if action != REMOVED else "lost",),
            (Name(f"{format} by {', '.join(each.loader for each in group)}"),),
            (Name(_rule(before, after)),),
        )
        for (action, format, _, before, after), group in alike.items()
    )
    lines: tuple[Line, ...] = tuple(
        (Name(each.name), ": ", *arrow(each.before, each.after)) for each in difference.measures
    )
    if rows or lines:
        header = ("", "format and loaders", "check")
        yield Section(title="validation", header=header, rows=rows, lines=lines)


def _rule(before: str, after: str) -> str:
    """Tell a check, or how its rule changed, what is compared once."""
    if not before or not after:
        return before or after
    (what, _, old), (same, _, new) = before.partition(" ("), after.partition(" (")
    told = f"{what}: {old.rstrip(')')} → {new.rstrip(')')}" if what == same and old and new else ""
    return told or f"{before} → {after}"


def _values(title: str, of: str, changes: Sequence[ValueChange], told: Any) -> Iterator[Section]:
    rows = tuple(((Name(each.name),), told(each)) for each in changes)
    if rows:
        yield Section(title=title, header=(of, "before → after"), rows=rows)


def _changed(change: ValueChange) -> Line:
    return arrow(change.before, change.after)


def _sized(change: ValueChange) -> Line:
    if change.before is None or change.after is None:
        return (f"{_size(change.before)} → {_size(change.after)}",)
    share = 100 * (change.after - change.before) / max(change.before, 1)
    return (f"{size(change.before)} → {size(change.after)} ({share:+.2g} %)",)


def _size(value: int | None) -> str:
    return "none" if value is None else size(value)


def weighty(difference: Difference) -> bool:
    """Tell whether what clients get is another: layers, weights, contract, answers."""
    layers = difference.layers
    moved = any(each.largest or each.flipped for each in difference.outputs.changes)
    built = layers is not None and bool(layers.changes or layers.retrained or layers.resized)
    return built or bool(difference.contract) or moved
