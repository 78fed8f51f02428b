"""Where boxes stand: no two on each other, arrows down, loops and harm survived."""

from __future__ import annotations

import random

import pytest

from artifactbuild.site.folding import Edges
from artifactbuild.site.layout import GAP_X, Layout, layout, number

DIAMOND: Edges = ((0, 1), (0, 2), (1, 3), (2, 3), (0, 3))


def whole(edges: Edges, count: int) -> Layout:
    """Lay out, and see that it is one: no box on another, none outside, every arrow there."""
    made = layout([60.0 + 10 * (node % 3) for node in range(count)], edges)
    assert len(made.arrows) == len(edges)
    for index, one in enumerate(made.boxes):
        assert one.x > -0.01
        assert one.x + one.width < made.width + 0.01
        for other in made.boxes[index + 1 :]:
            apart = max(one.x, other.x) - min(one.x + one.width, other.x + other.width)
            assert one.y != other.y or apart > GAP_X - 0.01
    return made


def test_ranks_are_those_of_the_longest_path() -> None:
    made = whole(DIAMOND, 4)
    rows = [box.y for box in made.boxes]
    assert rows[0] < rows[1] == rows[2] < rows[3]
    assert not any(arrow.back for arrow in made.arrows)


def test_a_chain_is_straight() -> None:
    made = layout([50.0, 90.0, 70.0], ((0, 1), (1, 2)))
    assert {box.x + box.width / 2 for box in made.boxes} == {45.0}


def test_an_input_stands_just_above_what_it_feeds() -> None:
    made = whole(((0, 1), (1, 2), (3, 2)), 4)
    assert made.boxes[3].y == made.boxes[1].y


def test_a_way_around_passes_beside_what_it_goes_around() -> None:
    made = whole(((0, 1), (1, 2), (0, 2)), 3)
    around = made.arrows[2].path
    bend = float(around.split("V")[0].rsplit(" ", 2)[1])
    box = made.boxes[1]
    assert not box.x <= bend <= box.x + box.width


def test_a_loop_has_one_arrow_back() -> None:
    made = whole(((0, 1), (1, 2), (2, 1)), 3)
    assert [arrow.back for arrow in made.arrows] == [False, False, True]
    assert made.arrows[1].path != made.arrows[2].path


def test_two_that_need_not_cross_do_not() -> None:
    made = whole(((0, 3), (1, 2)), 4)
    left = made.boxes[0].x < made.boxes[1].x
    assert (made.boxes[3].x < made.boxes[2].x) == left


@pytest.mark.parametrize("seed", range(12))
def test_any_graph_is_laid_out_and_the_same_each_time(seed: int) -> None:
    draw = random.Random(seed)
    count = draw.randint(1, 60)
    pairs = [(draw.randrange(count), draw.randrange(count)) for _ in range(draw.randint(0, 90))]
    edges = tuple(dict.fromkeys((a, b) for a, b in pairs if a != b))
    assert whole(edges, count) == whole(edges, count)


def test_nothing_is_laid_out_as_nothing() -> None:
    assert layout([], ()) == Layout(width=0.0, height=0.0, boxes=(), arrows=())


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (-0.04, "0"), (2.25, "2.2"), (-1.5, "-1.5"), (100.0, "100")]
)
def test_coordinates_are_short(value: float, text: str) -> None:
    assert number(value) == text
