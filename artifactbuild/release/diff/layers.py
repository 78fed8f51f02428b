"""Which layer became which, and what differs in it. Pure, from the lines of two locks."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from artifactbuild.release.diff.nouns import (
    ADDED,
    CHANGED,
    REMOVED,
    RENAMED,
    REWIRED,
    LayerChange,
    Layers,
    ValueChange,
    WeightChange,
)
from artifactbuild.release.lock import Lock, LockedLayer

Pair = tuple[LockedLayer, LockedLayer]
Pairs = Mapping[str, LockedLayer]
"""A layer of before, by its name -> the layer that it became."""


def compare(before: Lock, after: Lock) -> Layers:
    """Return what became of the layers."""
    became = pairs(before.layers, after.layers)
    names = {old: new.name for old, new in became.items()}
    both = [(layer, became[layer.name]) for layer in before.layers if layer.name in became]
    changed = [each for each in (_changed(pair, names) for pair in both) if each is not None]
    changed = _innermost(changed)
    told = {each.was or each.name for each in changed if each.action == CHANGED}
    weighty = [(old, new) for old, new in both if old.weights_digest and new.weights_digest]
    return Layers(
        changes=(*_gone(before, became), *_new(after, became), *changed),
        unrelated=not weighty and all(map(_has_weights, (before, after))),
        resized=tuple(new.name for old, new in both if old.name not in told and _resized(old, new)),
        counted=tuple(_counted(both)),
        retrained=tuple(
            WeightChange(layer=new.name, relative=None)
            for old, new in _leaves(weighty)
            if old.weights_digest != new.weights_digest and old.parameters == new.parameters
        ),
        of=len(_leaves(weighty)),
        totals=tuple(_totals(before, after)),
    )


def pairs(before: Sequence[LockedLayer], after: Sequence[LockedLayer]) -> dict[str, LockedLayer]:
    """Return which layer became which.

    A name that somebody chose says it. Names that Keras counts say little, since one layer more
    moves all that follow: there, and for layers that were given another name, the order of what was
    chosen in them says it.
    """
    named = {layer.name: layer for layer in after}
    same = [x for x in before if x.name in named and _content(x) == _content(named[x.name])]
    found = _by_name([*same, *(x for x in before if not _is_counted(x))], after)
    rest = [layer for layer in before if layer.name not in found]
    taken = {layer.name for layer in found.values()}
    others = [layer for layer in after if layer.name not in taken]
    for key in (_content, _build):
        found |= _in_order(rest, others, key)
        rest, others = _left(rest, others, found)
    found |= _by_name(rest, others)
    return found


def _by_name(before: Sequence[LockedLayer], after: Sequence[LockedLayer]) -> dict[str, LockedLayer]:
    named = {layer.name: layer for layer in after}
    return {layer.name: named[layer.name] for layer in before if layer.name in named}


def _in_order(
    before: Sequence[LockedLayer], after: Sequence[LockedLayer], key: object
) -> dict[str, LockedLayer]:
    """Pair the longest runs that are alike."""
    assert callable(key)
    keys = [key(layer) for layer in before], [key(layer) for layer in after]
    blocks = SequenceMatcher(None, *keys, autojunk=False).get_matching_blocks()
    return {
        before[block.a + step].name: after[block.b + step]
        for block in blocks
        for step in range(block.size)
    }


def _left(
    before: Sequence[LockedLayer], after: Sequence[LockedLayer], found: Pairs
) -> tuple[list[LockedLayer], list[LockedLayer]]:
    taken = {layer.name for layer in found.values()}
    return (
        [layer for layer in before if layer.name not in found],
        [layer for layer in after if layer.name not in taken],
    )


def _content(layer: LockedLayer) -> Hashable:
    return (*_build_key(layer), layer.weights_digest)


def _build(layer: LockedLayer) -> Hashable:
    return _build_key(layer)


def _build_key(layer: LockedLayer) -> tuple[str, str, int]:
    return layer.kind, layer.config_digest, layer.name.count("/")


def _is_counted(layer: LockedLayer) -> bool:
    """Tell whether Keras made the name: the class in snake case, numbered from the second on."""
    last = layer.name.rpartition("/")[2]
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", layer.kind).lower()
    return re.fullmatch(rf"{re.escape(snake)}(_\d+)?|input_layer(_\d+)?", last) is not None


def _gone(before: Lock, became: Pairs) -> Iterator[LayerChange]:
    gone = {layer.name for layer in before.layers} - set(became)
    for layer in before.layers:
        if layer.name in gone and _parent(layer) not in gone:
            yield _whole(layer, REMOVED)


def _new(after: Lock, became: Pairs) -> Iterator[LayerChange]:
    new = {layer.name for layer in after.layers} - {layer.name for layer in became.values()}
    for layer in after.layers:
        if layer.name in new and _parent(layer) not in new:
            yield _whole(layer, ADDED)


def _whole(layer: LockedLayer, action: str) -> LayerChange:
    """Tell all of a layer that is only on one side."""
    said: dict[str, object] = dict(layer.config)
    said |= {"output": layer.output, "parameters": layer.parameters}
    here = {key: value for key, value in said.items() if value not in ("", 0)}
    keys = tuple(
        ValueChange(name=key, before=None, after=value)
        if action == ADDED
        else ValueChange(name=key, before=value, after=None)
        for key, value in here.items()
    )
    return LayerChange(name=layer.name, was=layer.name, action=action, kind=layer.kind, keys=keys)


def _changed(pair: Pair, names: Mapping[str, str]) -> LayerChange | None:
    old, new = pair
    keys = tuple(_keys(old, new, names))
    renamed = _last(old) != _last(new) and not (_is_counted(old) and _is_counted(new))
    if not keys and not renamed:
        return None
    rewired = [key.name for key in keys] == ["inputs"]
    action = RENAMED if not keys else REWIRED if rewired and not renamed else CHANGED
    return LayerChange(name=new.name, was=old.name, action=action, kind=new.kind, keys=keys)


def _keys(old: LockedLayer, new: LockedLayer, names: Mapping[str, str]) -> Iterator[ValueChange]:
    """Yield what was chosen otherwise; what only follows from it comes after it."""
    if old.kind != new.kind:
        yield ValueChange(name="class", before=old.kind, after=new.kind)
    for key in sorted({*old.config, *new.config}):
        if old.config.get(key) != new.config.get(key) or (key in old.config) != (key in new.config):
            before, after = old.config.get(key, "default"), new.config.get(key, "default")
            yield ValueChange(name=key, before=before, after=after)
    rewired = [names.get(name, name) for name in old.inputs] != list(new.inputs)
    if rewired:
        yield ValueChange(name="inputs", before=list(old.inputs), after=list(new.inputs))
    if old.config_digest == new.config_digest:
        return
    if old.config == new.config and old.kind == new.kind:
        name = "inside" if not rewired else "config"
        yield ValueChange(name=name, before=old.config_digest, after=new.config_digest)
    if old.output != new.output:
        yield ValueChange(name="output", before=old.output, after=new.output)
    if old.parameters != new.parameters:
        yield ValueChange(name="parameters", before=old.parameters, after=new.parameters)


def _innermost(changes: list[LayerChange]) -> list[LayerChange]:
    """Leave out what is told better by the layers inside: an outer digest covers them."""
    return [
        each
        for each in changes
        if not (
            {key.name for key in each.keys} <= {"inside", "output", "parameters"}
            and each.action == CHANGED
            and any(other.name.startswith(f"{each.name}/") for other in changes)
        )
    ]


def _has_weights(lock: Lock) -> bool:
    return any(layer.weights_digest for layer in lock.layers)


def _resized(old: LockedLayer, new: LockedLayer) -> bool:
    return (old.output, old.parameters) != (new.output, new.parameters)


def _counted(both: Sequence[Pair]) -> Iterator[ValueChange]:
    for old, new in both:
        if _last(old) != _last(new) and _is_counted(old) and _is_counted(new):
            yield ValueChange(name=new.kind, before=old.name, after=new.name)


def _leaves(both: Sequence[Pair]) -> list[Pair]:
    """Return the layers that hold no others that are listed."""
    outer = {_parent(old) for old, _ in both}
    return [(old, new) for old, new in both if old.name not in outer]


def _totals(before: Lock, after: Lock) -> Iterator[ValueChange]:
    was, now = before.totals, after.totals
    for name in ("kind", "layers", "parameters", "trainable", "precision"):
        if getattr(was, name) != getattr(now, name):
            yield ValueChange(name=name, before=getattr(was, name), after=getattr(now, name))


def _last(layer: LockedLayer) -> str:
    return layer.name.rpartition("/")[2]


def _parent(layer: LockedLayer) -> str:
    return layer.name.rpartition("/")[0]
