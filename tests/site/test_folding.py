"""Graphs small enough to look at: what is drawn, what is folded, and that no layer is lost."""

from __future__ import annotations

import re

import pytest

from artifactbuild.release.record import Layer
from artifactbuild.site import folding
from tests.site.records import chain, layer


def residual(blocks: int) -> tuple[Layer, ...]:
    """Return blocks of three layers with a way around them."""
    layers, before = [layer("x", kind="InputLayer")], "x"
    for block in range(blocks):
        names = [f"block{block}_{part}" for part in ("conv", "norm", "relu", "add")]
        layers += [
            layer(names[0], before, kind="Conv2D"),
            layer(names[1], names[0], kind="BatchNormalization"),
            layer(names[2], names[1], kind="ReLU"),
            layer(names[3], names[2], before, kind="Add"),
        ]
        before = names[3]
    return (*layers, layer("y", before))


def counted(graph: folding.Graph) -> int:
    """Return how many layers the boxes stand for."""
    found = [re.search(r"(\d+) layers$", node.label) for node in graph.nodes]
    return sum(int(match[1]) if match else 1 for match in found)


def test_a_small_graph_is_drawn_as_it_is() -> None:
    graph = folding.graph(chain(3), ["dense_2"])
    assert [node.label for node in graph.nodes] == ["x", "dense_1", "dense_2"]
    assert [node.kind for node in graph.nodes] == ["input", "layer", "output"]
    assert graph.edges == ((0, 1), (1, 2))
    assert graph.nodes[1].detail == "Dense · 8 · 72"
    assert graph.nodes[1].title == "dense_1: Dense, from x, gives (None, 8), 72 parameters"


@pytest.mark.parametrize(("length", "boxes"), [(60, 60), (61, 32), (500, 58)])
def test_a_long_chain_is_folded_piece_by_piece(length: int, boxes: int) -> None:
    graph = folding.graph(chain(length), [f"dense_{length - 1}"])
    assert len(graph.nodes) == boxes
    assert counted(graph) == length
    assert (graph.nodes[0].kind, graph.nodes[-1].kind) == ("input", "output")


def test_branches_stay_and_what_lies_between_is_folded() -> None:
    graph = folding.graph(residual(20), ["y"])
    assert len(graph.nodes) == 2 + 20 * 2
    assert graph.nodes[1].label == "block0: 3 layers"
    assert graph.nodes[1].detail == "Conv2D, BatchNormalization, ReLU"
    assert counted(graph) == 82


def test_too_many_branches_are_folded_in_the_middle() -> None:
    graph = folding.graph(residual(200), ["y"])
    assert len(graph.nodes) == 59
    assert counted(graph) == 802
    assert max(node.label.count("layers") for node in graph.nodes) == 1


def test_unknown_own_and_repeated_inputs_give_no_arrow() -> None:
    layers = (layer("a", "a", "nobody"), layer("b", "a", "a"), layer("a", "b"))
    assert folding.wiring(layers) == ((0, 1), (1, 2))


@pytest.mark.parametrize(
    ("shape", "brief"),
    [
        ("(None, 8, 8, 16)", "8×8×16"),
        ("(None, None, 3)", "?×3"),
        ("(None,)", ""),
        ("(None, 4), (None, 5)", "4, 5"),
        ("", ""),
        ("(((", ""),
    ],
)
def test_shapes_are_told_without_the_batch(shape: str, brief: str) -> None:
    assert folding._brief(shape) == brief
