"""From a record's layers to a graph that is small enough to look at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from artifactbuild.release.record import Layer

LIMIT = 60
"""How many nodes are drawn; a graph with more is folded."""

FEWEST = 12
"""Folding whole chains must leave so many nodes; else they are folded piece by piece."""

_SHAPE = re.compile(r"\((?:None,? ?)?([^()]*)\)")

Edges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One box: a layer, or several folded into one. `kind` is what it looks like."""

    kind: str
    label: str
    detail: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Boxes, and arrows from one to another by their places."""

    nodes: tuple[Node, ...]
    edges: Edges


def graph(layers: Sequence[Layer], outputs: Iterable[str]) -> Graph:
    """Return the graph of layers; `outputs` names those whose results the model gives.

    With more than `LIMIT` layers, chains are folded into one box each, or, where that leaves next
    to nothing, into pieces; what is still too many is folded in the middle.
    """
    edges, ends = wiring(layers), frozenset(outputs)
    if len(layers) <= LIMIT:
        return _folded(layers, ends, edges, [[place] for place in range(len(layers))])
    groups = _chains(layers, ends, edges)
    if len(groups) < FEWEST:
        groups = _pieces(groups)
    if len(groups) > LIMIT:
        half = (LIMIT - 1) // 2
        middle = sorted(place for group in groups[half:-half] for place in group)
        groups = [*groups[:half], middle, *groups[-half:]]
    return _folded(layers, ends, edges, groups)


def wiring(layers: Sequence[Layer]) -> Edges:
    """Return the arrows among layers; a name that is not theirs, or their own, gives none."""
    places: dict[str, int] = {}
    for place, layer in enumerate(layers):
        places.setdefault(layer.name, place)
    return tuple(
        dict.fromkeys(
            (places[name], place)
            for place, layer in enumerate(layers)
            for name in layer.inputs
            if name in places and places[name] != place
        )
    )


def _chains(layers: Sequence[Layer], ends: frozenset[str], edges: Edges) -> list[list[int]]:
    """Group what follows each other without a branch; inputs and outputs stay alone."""
    leaving, entering = Counter(a for a, _ in edges), Counter(b for _, b in edges)
    alone = {p for p, each in enumerate(layers) if _kind(each, ends) in ("input", "output")}
    after = {
        a: b for a, b in edges if leaving[a] == entering[b] == 1 and a < b and not alone & {a, b}
    }
    heads = [place for place in range(len(layers)) if place not in set(after.values())]
    return [_followed(head, after) for head in heads]


def _followed(head: int, after: Mapping[int, int]) -> list[int]:
    chain = [head]
    while chain[-1] in after:
        chain.append(after[chain[-1]])
    return chain


def _pieces(chains: list[list[int]]) -> list[list[int]]:
    """Cut chains into pieces of one length, the smallest that leaves few enough."""
    length = 2
    while sum(-(-len(chain) // length) for chain in chains) > LIMIT:
        length += 1
    return [chain[at : at + length] for chain in chains for at in range(0, len(chain), length)]


def _folded(
    layers: Sequence[Layer], ends: frozenset[str], edges: Edges, groups: list[list[int]]
) -> Graph:
    group_of = {place: index for index, group in enumerate(groups) for place in group}
    between = ((group_of[a], group_of[b]) for a, b in edges)
    return Graph(
        nodes=tuple(_node([layers[place] for place in group], ends) for group in groups),
        edges=tuple(dict.fromkeys((a, b) for a, b in between if a != b)),
    )


def _node(group: list[Layer], ends: frozenset[str]) -> Node:
    if len(group) == 1:
        return _single(group[0], ends)
    parameters = sum(layer.parameters for layer in group)
    kinds = Counter(layer.kind for layer in group)
    tally = ", ".join(f"{kind} ×{count}" if count > 1 else kind for kind, count in kinds.items())
    prefix = _common([layer.name for layer in group]).rstrip("_-/. ")
    return Node(
        kind="folded",
        label=f"{prefix}: {len(group)} layers" if len(prefix) > 2 else f"{len(group)} layers",
        detail=tally,
        title=f"{len(group)} layers ({tally}), {parameters:,} parameters: "
        + ", ".join(layer.name for layer in group),
    )


def _common(names: Sequence[str]) -> str:
    """Return what all names begin with."""
    first, last = min(names), max(names)
    same = (
        place for place, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1
    )
    return first[: next(same, len(first))]


def _single(layer: Layer, ends: frozenset[str]) -> Node:
    shown = [
        layer.kind,
        _brief(layer.output_shape),
        f"{layer.parameters:,}" if layer.parameters else "",
    ]
    inner = f"{len(layer.layers)} layers" if layer.layers else ""
    detail = " · ".join(filter(None, [*shown, inner]))
    return Node(kind=_kind(layer, ends), label=layer.name, detail=detail, title=_told(layer))


def _brief(shape: str) -> str:
    """Return '8×8×16' for '(None, 8, 8, 16)': the batch is always there."""
    sizes = (match[1].replace("None", "?").split(", ") for match in _SHAPE.finditer(shape))
    return ", ".join("×".join(size.rstrip(",") for size in each if size) for each in sizes)


def _told(layer: Layer) -> str:
    fed = f", from {', '.join(layer.inputs)}" if layer.inputs else ""
    shape = f", gives {layer.output_shape}" if layer.output_shape else ""
    return f"{layer.name}: {layer.kind}{fed}{shape}, {layer.parameters:,} parameters"


def _kind(layer: Layer, ends: frozenset[str]) -> str:
    if layer.kind == "InputLayer":
        return "input"
    if layer.name in ends:
        return "output"
    return "model" if layer.layers else "layer"
