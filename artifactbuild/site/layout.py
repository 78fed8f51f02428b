"""Where the boxes of a graph stand: ranks by longest path, few crossings, straight arrows.

The way of Sugiyama, in its plainest form. Sums and halves alone, so a graph looks the same
everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from artifactbuild.site.folding import Edges

HEIGHT, GAP_Y, GAP_X, THREAD = 38.0, 26.0, 18.0, 10.0
"""Sizes of boxes and the room between them; THREAD is what a passing arrow takes."""

ASIDE = 12.0
"""How far beside the middle an arrow runs that closes a loop."""

SWEEPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A box's upper left corner, or an arrow's bend in a rank that it only passes."""

    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """An arrow as an SVG path; `back` where it closes a loop, against the flow."""

    path: str
    back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A drawing: its size, its boxes in the order of the nodes, its arrows."""

    width: float
    height: float
    boxes: tuple[Placed, ...]
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranked:
    """Nodes and bends by rank, in their order there; `routes` are the arrows through them."""

    widths: list[float]
    ranks: list[list[int]]
    routes: list[tuple[tuple[int, ...], bool]]

    def links(self) -> list[tuple[int, int]]:
        """Return the pieces of arrows, each from one rank to the next."""
        return [pair for route, _ in self.routes for pair in pairwise(route)]


def layout(widths: Sequence[float], edges: Edges) -> Layout:
    """Place boxes of these widths so that arrows run downwards."""
    ranked = _ranked(widths, edges)
    links = ranked.links()
    _untangle(ranked.ranks, links)
    centres = _centres(ranked, links)
    left = min((c - w / 2 for c, w in zip(centres, ranked.widths, strict=True)), default=0.0)
    rank_of = {node: rank for rank, nodes in enumerate(ranked.ranks) for node in nodes}
    placed = [
        Placed(x=centre - width / 2 - left, y=rank_of[node] * (HEIGHT + GAP_Y), width=width)
        for node, (centre, width) in enumerate(zip(centres, ranked.widths, strict=True))
    ]
    return Layout(
        width=max((each.x + each.width for each in placed), default=0.0),
        height=len(ranked.ranks) * (HEIGHT + GAP_Y) - GAP_Y if placed else 0.0,
        boxes=tuple(placed[: len(widths)]),
        arrows=tuple(
            Arrow(path=_path([placed[node] for node in route], ASIDE if back else 0.0), back=back)
            for route, back in ranked.routes
        ),
    )


def _ranked(widths: Sequence[float], edges: Edges) -> _Ranked:
    """Give every node its rank, and every arrow a bend in each rank that it passes."""
    back = _closing(len(widths), edges)
    forward = [(b, a) if (a, b) in back else (a, b) for a, b in edges]
    rank = _longest(len(widths), forward)
    ranks: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for node, at in enumerate(rank):
        ranks[at].append(node)
    all_widths, routes = list(widths), []
    for (a, b), edge in zip(forward, edges, strict=True):
        bends = list(range(len(all_widths), len(all_widths) + max(rank[b] - rank[a] - 1, 0)))
        all_widths += [THREAD] * len(bends)
        for at, bend in enumerate(bends, rank[a] + 1):
            ranks[at].append(bend)
        routes.append(((a, *bends, b), edge in back))
    return _Ranked(widths=all_widths, ranks=ranks, routes=routes)


def _closing(count: int, edges: Edges) -> frozenset[tuple[int, int]]:
    """Return the edges that close a loop, as a walk in the order of the nodes meets them."""
    after: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        after[a].append(b)
    fresh, open_, closing = set(range(count)), set(), set()
    for start in range(count):
        walk = [(start, iter(after[start]))] if start in fresh else []
        fresh.discard(start)
        open_.add(start)
        while walk:
            node, following = walk[-1]
            step = next(following, None)
            if step is None:
                walk.pop()
                open_.discard(node)
            elif step in open_:
                closing.add((node, step))
            elif step in fresh:
                fresh.discard(step)
                open_.add(step)
                walk.append((step, iter(after[step])))
        open_.discard(start)
    return frozenset(closing)


def _longest(count: int, forward: Sequence[tuple[int, int]]) -> list[int]:
    """Rank by the longest path; what nothing feeds stands just above what it feeds first."""
    entering, after = [0] * count, [list[int]() for _ in range(count)]
    for a, b in forward:
        entering[b] += 1
        after[a].append(b)
    sources = [node for node in range(count) if not entering[node]]
    rank, ready = [0] * count, list(sources)
    for node in ready:
        for following in after[node]:
            rank[following] = max(rank[following], rank[node] + 1)
            entering[following] -= 1
            if not entering[following]:
                ready.append(following)
    for node in sources:
        rank[node] = min((rank[following] for following in after[node]), default=1) - 1
    return rank


def _untangle(ranks: list[list[int]], links: Sequence[tuple[int, int]]) -> None:
    """Order each rank by the mean place of its links; keep the order that crosses least."""
    above, below = _neighbours(links)
    best, fewest = [list(rank) for rank in ranks], _crossings(ranks, above)
    for sweep in range(SWEEPS):
        order = range(1, len(ranks)) if sweep % 2 == 0 else range(len(ranks) - 2, -1, -1)
        for at in order:
            fixed = ranks[at - 1] if sweep % 2 == 0 else ranks[at + 1]
            linked = above if sweep % 2 == 0 else below
            place = {node: index for index, node in enumerate(fixed)}
            own = {node: index for index, node in enumerate(ranks[at])}
            mean = {
                node: _mean([place[other] for other in linked.get(node, ())], own[node])
                for node in ranks[at]
            }
            ranks[at].sort(key=lambda node: (mean[node], own[node]))
        crossings = _crossings(ranks, above)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in ranks], crossings
    ranks[:] = best


def _neighbours(
    links: Sequence[tuple[int, int]],
) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for a, b in links:
        below.setdefault(a, []).append(b)
        above.setdefault(b, []).append(a)
    return above, below


def _crossings(ranks: list[list[int]], above: dict[int, list[int]]) -> int:
    """Count the crossings between neighbouring ranks."""
    total = 0
    for upper, lower in pairwise(ranks):
        place = {node: index for index, node in enumerate(upper)}
        seen: list[int] = []
        for node in lower:
            ends = [place[other] for other in above.get(node, ()) if other in place]
            total += sum(before > end for end in ends for before in seen)
            seen += ends
    return total


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else float(otherwise)


def _centres(ranked: _Ranked, links: Sequence[tuple[int, int]]) -> list[float]:
    """Move every node towards the mean of what it is linked to, rank by rank, down and up."""
    above, below = _neighbours(links)
    centres = [0.0] * len(ranked.widths)
    for rank in ranked.ranks:
        _settle(rank, [0.0] * len(rank), ranked.widths, centres)
    for sweep in range(2 * SWEEPS):
        linked = above if sweep % 2 == 0 else below
        for rank in ranked.ranks if sweep % 2 == 0 else reversed(ranked.ranks):
            wanted = [
                _mean([centres[other] for other in linked.get(node, ())], centres[node])
                for node in rank
            ]
            _settle(rank, wanted, ranked.widths, centres)
    return centres


def _settle(
    rank: Sequence[int], wanted: Sequence[float], widths: Sequence[float], centres: list[float]
) -> None:
    """Put nodes as near to where they want to be as their order and widths let them.

    Least squares, by pooling neighbours that would overlap and moving each pool as one.
    """
    offsets, offset = [], 0.0
    for index, node in enumerate(rank):
        if index:
            offset += (widths[rank[index - 1]] + widths[node]) / 2 + GAP_X
        offsets.append(offset)
    pools: list[tuple[float, int]] = []
    for want, shift in zip(wanted, offsets, strict=True):
        mean, size = want - shift, 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        pools.append((mean, size))
    means = [mean for mean, size in pools for _ in range(size)]
    for node, mean, shift in zip(rank, means, offsets, strict=True):
        centres[node] = mean + shift


def _path(stops: Sequence[Placed], aside: float) -> str:
    """Draw from the lower edge of the first box to the upper edge of the last."""
    x, y = stops[0].x + stops[0].width / 2 + aside, stops[0].y + HEIGHT
    parts = [f"M{number(x)} {number(y)}"]
    for stop in stops[1:]:
        to_x, to_y = stop.x + stop.width / 2 + aside, stop.y
        middle = number((y + to_y) / 2)
        parts.append(f"C{number(x)} {middle} {number(to_x)} {middle} {number(to_x)} {number(to_y)}")
        x, y = to_x, to_y + HEIGHT
        if stop is not stops[-1]:
            parts.append(f"V{number(y)}")
    return "".join(parts)


def number(value: float) -> str:
    """Return a coordinate, to a tenth."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")
