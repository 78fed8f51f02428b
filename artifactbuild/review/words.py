"""A difference in words: one line that says it all, then what a reviewer may want to see."""

from __future__ import annotations

from collections.abc import Iterator

from artifactbuild.release.diff.nouns import WORKING_TREE, Difference, Layers, Side
from artifactbuild.review import sections
from artifactbuild.review.phrases import arrow_text, count, joined, source_action
from artifactbuild.review.sections import ACTIONS, contract_change, weighty
from artifactbuild.review.telling import Command, Line, Name, Report


def report(difference: Difference) -> Report:
    """Return the report of a difference."""
    before, after = difference.before, difference.after
    if before is None or after is None:
        return _one_sided(difference)
    told, same = tuple(sections.all_of(difference)), _same(difference)
    return Report(
        title=_title(before, after),
        aside=(*_label(before), " → ", *_label(after)),
        summary=tuple(_summary(difference, before, after)),
        sections=told,
        closing=(f"the same on both sides: {', '.join(same)}",) if told and same else (),
    )


def changed(difference: Difference) -> bool:
    """Tell whether anything differs at all."""
    if difference.before is None or difference.after is None:
        return True
    if difference.after.pending or _named(difference.before) != _named(difference.after):
        return True
    return any(sections.all_of(difference))


def _one_sided(difference: Difference) -> Report:
    side = difference.after or difference.before
    assert side is not None
    told: Line = ("removed from the tree; what was released stays released",)
    if difference.after is not None:
        told = ("a new model of ", *_told(side)) if side.lock is not None else _unbuilt(side)
    return Report(title=(Name(side.model), f" {side.version}"), aside=_label(side), summary=told)


def _title(before: Side, after: Side) -> Line:
    if before.model != after.model:
        return (
            Name(before.model), f" {before.version} → ", Name(after.model), f" {after.version}"
        )  # fmt: skip
    versions = [before.version, after.version]
    return Name(before.model), f" {' → '.join(dict.fromkeys(versions))}"


def _label(side: Side) -> Line:
    return (side.label,) if side.label == WORKING_TREE else (Name(side.label),)


def _named(side: Side) -> tuple[str, str]:
    return side.model, side.version


def _summary(difference: Difference, before: Side, after: Side) -> Iterator[str]:
    if after.lock is None or before.lock is None:
        side = after if after.lock is None else before
        pending = [(Name(each),) for each in side.pending]
        yield from joined([*_others(difference), *pending, _unbuilt(side)], "; ")
        return
    if after.pending and after.lock == before.lock:
        yield from _since(after)
        return
    if not changed(difference):
        yield from ("no difference; ", *_proven(after))
        return
    layers = difference.layers
    assert layers is not None
    parts: list[Line] = [(_layers_told(layers),), *_contract_told(difference)]
    parts += [(text,) for text in [_outputs_told(difference)] if text]
    if not weighty(difference):
        yield "only "
        yield from joined(_others(difference) or [("the version changed",)], ", ")
        yield ": "
    yield from joined(parts, ", ")
    yield from ("; ", *_proven(after))


def _layers_told(layers: Layers) -> str:
    if layers.unrelated:
        return "another model"
    of = {each: sum(change.action == each for change in layers.changes) for each in ACTIONS}
    told = [each for each in ACTIONS if of[each]]
    if told:
        first = f"{count(of[told[0]], 'layer')} {told[0]}"
        return ", ".join([first, *(f"{of[each]} {each}" for each in told[1:])])
    if layers.retrained:
        return f"same layers, {len(layers.retrained)} of {layers.of} with other weights"
    return "same layers and weights"


def _contract_told(difference: Difference) -> Iterator[Line]:
    breaking = [each for each in difference.contract if each.breaking]
    if len(breaking) == 1:
        (one,) = breaking
        yield f"BREAKS clients: {one.part} ", Name(one.name), " ", *contract_change(one)
    elif breaking:
        yield (f"BREAKS clients in {len(breaking)} ways",)
    elif difference.contract:
        yield ("contract changed without a break",)
    else:
        yield ("contract unchanged",)


def _outputs_told(difference: Difference) -> str:
    changes = difference.outputs.changes
    if not changes:
        return ""
    largest = max((each.largest for each in changes if each.largest is not None), default=None)
    if largest:
        return f"outputs moved by at most {largest:.3g}"
    flipped = sum(each.flipped or 0 for each in changes)
    return f"{flipped} answers changed" if flipped else "outputs equal"


def _others(difference: Difference) -> list[Line]:
    """Return what differs beside layers, weights, contract and answers, in a few words each."""
    found: list[Line] = []
    fields, sources = difference.fields, difference.sources
    if len(fields) == 1:
        found.append((Name(fields[0].name), " changed"))
    elif fields:
        found.append((f"{len(fields)} fields of the manifest changed",))
    if len(sources) == 1:
        found.append((Name(sources[0].name), f" {source_action(sources[0])}"))
    elif sources:
        found.append((f"{len(sources)} sources changed",))
    if difference.environment:
        few = [f"{each.name} {arrow_text(each)}" for each in difference.environment[:2]]
        more = ", …" if len(difference.environment) > 2 else ""
        found.append(("the environment changed (", Name(", ".join(few)), f"{more})"))
    if difference.checks:
        found.append((f"{count(len(difference.checks), 'check')} changed",))
    return found


def _told(side: Side) -> Line:
    lock = side.lock
    assert lock is not None
    sums = (
        f"{count(lock.totals.layers, 'layer')}, {lock.totals.parameters:,} parameters, "
        f"{count(len(lock.artifacts), 'format')}; "
    )
    return sums, *_proven(side)


def _unbuilt(side: Side) -> Line:
    return f"{side.version} is not built yet (", Command(f"artifactbuild build {side.file}"), ")"


def _proven(side: Side) -> Line:
    assert side.lock is not None
    failed = sum(len(each.failed) for each in side.lock.checks)
    passed = sum(len(each.passed) for each in side.lock.checks)
    proven = f"{failed} checks FAILED" if failed else f"proven by {count(passed, 'check')}"
    return (proven, "; ", *_since(side)) if side.pending else (proven,)


def _since(side: Side) -> Line:
    changes = [(Name(change.replace("`", "")),) for change in side.pending]
    bump = Command(f"artifactbuild bump {side.file}")
    return f"since {side.version} was released, ", *joined(changes, " and "), " (", bump, ")"


def _same(difference: Difference) -> list[str]:
    """Name what a reviewer need not look at."""
    if difference.layers is None or (difference.after is not None and difference.after.pending):
        return []
    layers = difference.layers
    parts = {
        "contract": difference.contract,
        "architecture": layers.changes or layers.counted or layers.totals,
        "weights": layers.changes or layers.retrained,
        "validation": difference.checks or difference.measures,
        "sizes": difference.sizes,
        "manifest": difference.fields,
        "environment": difference.environment,
        "sources": difference.sources,
    }
    moved = any(each.largest or each.flipped for each in difference.outputs.changes)
    outputs = ["outputs"] if difference.outputs.changes and not moved else []
    return [*(name for name, found in parts.items() if not found), *outputs]
