"""A model's graph as a drawing, with one more for each model that is nested in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from artifactbuild.release.record import Architecture, Layer
from artifactbuild.site import folding, layout
from artifactbuild.site.folding import Graph
from artifactbuild.site.layout import HEIGHT, Arrow
from artifactbuild.visible import visible

CHARACTER, SMALL = 7.3, 6.4
"""How wide a character of a box's first and second line is."""

LABEL, DETAIL = 30, 36
"""How many characters of them are shown."""

MARGIN = 8.0
DEEPEST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box of a drawing: where it stands, what is written in it, what it tells on hovering."""

    kind: str
    label: str
    detail: str
    title: str
    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A graph as it is drawn; `key` is its own among the drawings of a page.

    `wired` tells whether the arrows are known; if not, layers stand in the order of the record.
    """

    key: str
    name: str
    kind: str
    layers: int
    wired: bool
    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    nested: tuple[Drawing, ...]


def of_model(name: str, architecture: Architecture) -> Drawing:
    """Draw a model."""
    return _drawing("graph", name, architecture.kind, architecture.layers, architecture.outputs)


def _drawing(
    key: str, name: str, kind: str, layers: Sequence[Layer], outputs: Iterable[str]
) -> Drawing:
    graph = _visible(folding.graph(layers, outputs))
    widths = [_width(node) for node in graph.nodes]
    column = tuple(pairwise(range(len(widths))))
    placed = layout.layout(widths, graph.edges or column)
    return Drawing(
        key=key,
        name=name,
        kind=kind,
        layers=len(layers),
        wired=bool(graph.edges) or len(layers) < 2,
        width=placed.width + 2 * MARGIN,
        height=placed.height + 2 * MARGIN,
        boxes=tuple(
            Box(
                kind=node.kind,
                label=_cut(node.label, LABEL),
                detail=_cut(node.detail, DETAIL),
                title=node.title,
                x=at.x,
                y=at.y,
                width=at.width,
            )
            for node, at in zip(graph.nodes, placed.boxes, strict=True)
        ),
        arrows=placed.arrows if graph.edges else (),
        nested=_nested(key, layers),
    )


def _visible(graph: Graph) -> Graph:
    """Return a graph whose texts are as long as they look."""
    nodes = (replace(n, label=visible(n.label), detail=visible(n.detail)) for n in graph.nodes)
    return replace(graph, nodes=tuple(nodes))


def _nested(key: str, layers: Sequence[Layer]) -> tuple[Drawing, ...]:
    if key.count("-") == DEEPEST:
        return ()
    return tuple(
        _drawing(f"{key}-{place}", layer.name, layer.kind, layer.layers, ())
        for place, layer in enumerate(layers)
        if layer.layers
    )


def _width(node: folding.Node) -> float:
    label, detail = min(len(node.label), LABEL), min(len(node.detail), DETAIL)
    return max(label * CHARACTER, detail * SMALL, HEIGHT) + 20.0


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
