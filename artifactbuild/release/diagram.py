"""An architecture as a Mermaid flowchart that a person takes in: at most `MOST` boxes.

Nested models are one box each. A long model is folded: chains of layers first, then stretches
between the places where the fewest tensors pass. https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from artifactbuild.visible import visible

MOST = 40
FEW = 8
"""How many cuts make a picture: more are sought only where as many tensors pass."""

LONGEST = 40
"""How many characters of a layer's name are shown."""

_SAFE = re.compile(r"[^\w ,()/×…]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One layer, or several folded into one; `layers` are data of the record, in their order."""

    layers: tuple[Mapping[str, Any], ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of its layers."""
        return frozenset(layer["name"] for layer in self.layers)

    @property
    def sources(self) -> frozenset[str]:
        """The names of layers outside that feed it."""
        return frozenset(n for layer in self.layers for n in layer["inputs"]) - self.names


def flowchart(
    architecture: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    outputs: Sequence[Mapping[str, Any]],
) -> str:
    """Return the Mermaid text of an architecture with its input and output signatures.

    A subclassed model does not say how its layers are called: it is one box.
    """
    if architecture["kind"] == "subclassed":
        return "\n".join(["flowchart TD", *_opaque(architecture, inputs, outputs)])
    boxes = folded([Box(layers=(layer,)) for layer in architecture["layers"]])
    return "\n".join(["flowchart TD", *_lines(boxes, architecture, inputs, outputs)])


def folding(architecture: Mapping[str, Any]) -> str:
    """Say in a sentence what the flowchart folds; empty if it shows every layer."""
    if architecture["kind"] == "subclassed":
        return "The model calls its layers in code, so that how they are connected is not recorded."
    boxes = folded([Box(layers=(layer,)) for layer in architecture["layers"]])
    many = [box for box in boxes if len(box.layers) > 1]
    if not many:
        return ""
    count = sum(len(box.layers) for box in many)
    verb = "box folds" if len(many) == 1 else "boxes fold"
    return f"{len(many)} {verb} {count} of the {len(architecture['layers'])} layers."


def folded(boxes: list[Box]) -> list[Box]:
    """Fold boxes, which stand in an order of calling, until there are at most `MOST`."""
    if len(boxes) <= MOST:
        return boxes
    chains = _chains(boxes)
    return chains if len(chains) <= MOST else _stretches(chains, MOST)


def _chains(boxes: list[Box]) -> list[Box]:
    """Merge each box into the one before it where nothing else feeds it or is fed."""
    owner = {name: index for index, box in enumerate(boxes) for name in box.names}
    fed = Counter(owner[name] for box in boxes for name in box.sources if name in owner)
    merged: dict[int, list[Mapping[str, Any]]] = {}
    head: dict[int, int] = {}
    for index, box in enumerate(boxes):
        before = [owner[name] for name in box.sources if name in owner]
        linked = len(before) == 1 and fed[before[0]] == 1
        plain = linked and not (_stands_alone(box) or _stands_alone(boxes[before[0]]))
        head[index] = head[before[0]] if plain else index
        merged.setdefault(head[index], []).extend(box.layers)
    return [Box(layers=tuple(layers)) for layers in merged.values()]


def _stands_alone(box: Box) -> bool:
    """Tell whether a box is an input or a nested model, which a reader looks for."""
    return box.layers[0]["kind"] == "InputLayer" or _is_nested(box.layers[0])


def _is_nested(layer: Mapping[str, Any]) -> bool:
    return len(layer["layers"]) > 1


def _stretches(boxes: list[Box], most: int) -> list[Box]:
    """Cut the order of calling where few tensors pass, into at most `most` pieces."""
    crossing = _crossing(boxes)
    places: list[int] = []
    for bound in sorted(set(crossing)):
        places = [place for place, count in enumerate(crossing, 1) if count <= bound]
        if len(places) >= FEW:
            break
    kept = min(len(places), most - 1)
    cuts = sorted({places[index * len(places) // kept] for index in range(kept)})
    starts, ends = [0, *cuts], [*cuts, len(boxes)]
    pieces = (boxes[start:end] for start, end in zip(starts, ends, strict=True))
    return [Box(layers=tuple(layer for box in piece for layer in box.layers)) for piece in pieces]


def _crossing(boxes: list[Box]) -> list[int]:
    """Return how many boxes before each place between two are still to feed one after it."""
    owner = {name: index for index, box in enumerate(boxes) for name in box.names}
    last = dict.fromkeys(range(len(boxes)), -1)
    for index, box in enumerate(boxes):
        last |= {owner[name]: index for name in box.sources if name in owner}
    changes = Counter(index + 1 for index, end in last.items() if end > index)
    changes.subtract(end + 1 for index, end in last.items() if end > index)
    return list(accumulate(changes[place] for place in range(1, len(boxes))))


def _lines(
    boxes: list[Box],
    architecture: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    outputs: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    owner = {name: f"n{index}" for index, box in enumerate(boxes) for name in box.names}
    for index, box in enumerate(boxes):
        yield f"    n{index}{_shape(box)}"
    if architecture["kind"] == "sequential" and boxes:
        yield f"    inputs{_rounded(inputs)}"
        yield "    inputs --> n0"
    for index, box in enumerate(boxes):
        for source in sorted(
            {owner[name] for name in box.sources if name in owner}, key=lambda n: int(n[1:])
        ):
            yield f"    {source} --> n{index}"
    yield f"    outputs{_rounded(outputs)}"
    known = (owner[name] for name in architecture["outputs"] if name in owner)
    for name in dict.fromkeys(known):
        yield f"    {name} --> outputs"


def _opaque(
    architecture: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    outputs: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    kinds = [
        f"{_escaped(_short(layer['name']))}: {_escaped(_short(layer['kind']))}"
        for layer in architecture["layers"]
    ]
    shown = [*kinds[:MOST], *(["…"] if len(kinds) > MOST else [])]
    yield f"    inputs{_rounded(inputs)}"
    yield f'    model["{"<br>".join(shown)}"]'
    yield f"    outputs{_rounded(outputs)}"
    yield "    inputs --> model --> outputs"


def _rounded(tensors: Sequence[Mapping[str, Any]]) -> str:
    return f'(["{_escaped(", ".join(_short(tensor["name"]) for tensor in tensors))}"])'


def _shape(box: Box) -> str:
    first, last = box.layers[0], box.layers[-1]
    if len(box.layers) > 1:
        names = f"{_escaped(_short(first['name']))} … {_escaped(_short(last['name']))}"
        kinds = Counter(layer["kind"] for layer in box.layers)
        counted = ", ".join(f"{n} × {k}" if n > 1 else k for k, n in kinds.most_common(4))
        more = ", …" if len(kinds) > 4 else ""
        text = f"{len(box.layers)} layers: {counted}{more}"
        return f'[["{names}<br>{_escaped(text)}<br>{_escaped(last["output_shape"])}"]]'
    name, shape = _escaped(_short(first["name"])), _escaped(_short(first["output_shape"]))
    if first["kind"] == "InputLayer":
        return f'(["{name}<br>{shape}"])'
    kind = _escaped(first["kind"])
    if _is_nested(first):
        return f'[["{name}<br>{kind} of {len(first["layers"])} layers<br>{shape}"]]'
    return f'["{name}<br>{kind}<br>{shape}"]'


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _escaped(text: str) -> str:
    """Return text that Mermaid shows as it stands: all that could mean something as its code.

    It looks for formulas and line breaks once more after it has put codes back into characters:
    what begins one is taken apart by a space of no width.
    """
    apart = visible(" ".join(text.split())).replace("$$", "$\u200b$").replace("\\n", "\\\u200bn")
    return _SAFE.sub(lambda found: f"#{ord(found.group())};", apart)
