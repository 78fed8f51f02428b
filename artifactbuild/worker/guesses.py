"""Reference inputs that a model is likely to answer sensibly, guessed from what hears each input.

An Embedding says how many words it knows, a lookup its vocabulary, Rescaling the range of pixels.
Guesses are generators of the manifest; whoever asked tries them and keeps the first that works.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from artifactbuild.manifest.model import Tensor

ROWS = 8
OPEN_SIZES = (8, 32, 128)
"""What a size that the model leaves open is tried with, where an array has such a size at all."""

MOST_WORDS = 64
"""How many literal values one case holds at most: a manifest is read by people."""

TRANSPARENT = frozenset(
    (
        *("Cast", "Concatenate", "ExpandDims", "Flatten", "GetItem", "Identity", "InputLayer"),
        *("CenterCrop", "Dropout", "GaussianNoise", "Masking", "Permute", "Reshape", "Squeeze"),
        *("RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation"),
        *("RandomTranslation", "RandomZoom", "Resizing", "ZeroPadding2D"),
    )
)
"""Operations that hand the values on more or less as they are."""

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
TEXTS = "TextVectorization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """How values of one input are made, without their shape, and why so.

    `values` are the literals that rows are filled with; they take the place of a generator.
    """

    generator: Mapping[str, Any]
    why: str
    values: tuple[Any, ...] = ()


def guesses(model: keras.Model, tensor: Tensor, symbol: Any) -> list[Guess]:
    """Return guesses for one input, the likeliest first; `symbol` is its KerasTensor, if any."""
    hearers = list(_hearers(model, symbol)) if symbol is not None else _all_layers(model)
    told = [guess for layer in hearers for guess in _told(layer, tensor.dtype)]
    return [*told, *_usual(tensor)]


def dtype_of(model: keras.Model) -> str:
    """Return the dtype that a subclassed model's single input probably has."""
    kinds = {type(layer).__name__ for layer in _all_layers(model)}
    if kinds & {TEXTS, "StringLookup", "Hashing"}:
        return "string"
    if kinds & {"Embedding", "IntegerLookup", "CategoryEncoding"}:
        return "int32"
    return "float32"


def rows(guess: Guess, tensor: Tensor, open_size: int) -> int:
    """Return how many rows a case has: the model's own batch, or few where literals are many."""
    batch, *sizes = tensor.shape
    if batch or not guess.values:
        return batch or ROWS
    return max(2, min(ROWS, MOST_WORDS // math.prod(size or open_size for size in sizes)))


def generator(guess: Guess, tensor: Tensor, open_size: int, rows: int, seed: int) -> dict[str, Any]:
    """Return the generator of an array of so many rows, as a manifest writes it."""
    shape = [rows, *(size or open_size for size in tensor.shape[1:])]
    if guess.values:
        return {"values": _filled(guess.values, shape, seed)}
    random = {"seed": seed} if seed and set(guess.generator) & RANDOM else {}
    return {**guess.generator, "shape": shape, **random}


RANDOM = frozenset({"normal", "uniform", "integers"})


def _filled(values: Sequence[Any], shape: Sequence[int], seed: int) -> Any:
    """Return the values over and over as nested lists, each row beginning one further."""
    inner = math.prod(shape[1:])
    places = [seed + row + i for row in range(shape[0]) for i in range(inner)]
    picked = [values[place % len(values)] for place in places]
    return np.array(picked, object).reshape(shape).tolist()


def _all_layers(model: keras.Model) -> list[Any]:
    return [layer for layer in model._flatten_layers() if layer is not model]


def _hearers(model: keras.Model, symbol: Any) -> Iterator[Any]:
    """Yield the operations that a symbolic input reaches, through those that change nothing."""
    waiting, seen = [(model, symbol)], set()
    while waiting:
        inside, tensor = waiting.pop(0)
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        for operation, node in _consumers(inside, tensor):
            if isinstance(operation, keras.Model) and hasattr(operation, "inputs"):
                places = [i for i, each in enumerate(node.input_tensors) if each is tensor]
                waiting += [(operation, (operation.inputs or [])[i]) for i in places]
            elif type(operation).__name__ in TRANSPARENT:
                waiting += [(inside, output) for output in node.outputs]
            else:
                yield operation


def _consumers(model: Any, tensor: Any) -> Iterator[tuple[Any, Any]]:
    for operation in getattr(model, "operations", None) or model.layers:
        for node in operation._inbound_nodes:
            if any(each is tensor for each in node.input_tensors):
                yield operation, node


def _told(layer: Any, dtype: str) -> Iterator[Guess]:
    """Yield what a layer says of its inputs."""
    kind, number = type(layer).__name__, dtype != "string"
    if kind == "Embedding" and number:
        yield _below(layer.input_dim, f"the input_dim of {layer.name!r}")
    elif kind == "CategoryEncoding" and number:
        yield _below(layer.num_tokens, f"the num_tokens of {layer.name!r}")
    elif kind == "OneHot" and number:
        yield _below(layer.num_classes, "the classes of a one_hot")
    elif kind == "Rescaling" and number:
        yield _rescaled(layer, dtype)
    elif kind == "Normalization" and "float" in dtype:
        yield from _normalized(layer)
    elif kind == "Discretization" and number:
        yield from _discretized(layer)
    elif kind in ("StringLookup", "IntegerLookup", TEXTS):
        yield from _vocabulary(layer, dtype)


def _below(count: int, whose: str) -> Guess:
    return Guess(generator={"integers": [0, int(count)]}, why=f"integers below {count}, {whose}")


def _rescaled(layer: Any, dtype: str) -> Guess:
    """Return the range that Rescaling brings into 0 to 1, or into -1 to 1 with an offset."""
    scale, offset = float(np.max(np.abs(layer.scale))), float(np.min(layer.offset))
    high = round((2 if offset < 0 else 1) / scale, 6) if scale else 1.0
    why = f"the range that {layer.name!r} scales"
    if "int" in dtype:
        return Guess(generator={"integers": [0, int(high) + 1]}, why=why)
    return Guess(generator={"uniform": [0.0, high]}, why=why)


def _normalized(layer: Any) -> Iterator[Guess]:
    """Yield numbers around the mean that a Normalization knows."""
    if layer.mean is None:
        return
    means, variances = np.ravel(layer.mean), np.ravel(layer.variance)
    mean = float(f"{np.mean(means):.3g}")
    spread = float(f"{math.sqrt(np.mean(variances) + np.var(means)):.3g}")
    if spread > 0:
        why = f"what {layer.name!r} was adapted to"
        yield Guess(generator={"normal": {"mean": mean, "stddev": spread}}, why=why)


def _discretized(layer: Any) -> Iterator[Guess]:
    bounds = [float(each) for each in layer.bin_boundaries or ()]
    if bounds:
        margin = max(1.0, (bounds[-1] - bounds[0]) / max(len(bounds) - 1, 1))
        low, high = math.floor(bounds[0] - margin), math.ceil(bounds[-1] + margin)
        why = f"around the bins of {layer.name!r}"
        yield Guess(generator={"uniform": [float(low), float(high)]}, why=why)


def _vocabulary(layer: Any, dtype: str) -> Iterator[Guess]:
    words = [word for word in _known(layer) if _is_writable(word)]
    if not words or isinstance(words[0], str) is not (dtype == "string"):
        return
    picked = [words[i * len(words) // MOST_WORDS] for i in range(MOST_WORDS)]
    few = list(dict.fromkeys(picked if len(words) > MOST_WORDS else words))
    why = f"from the vocabulary of {layer.name!r}"
    if type(layer).__name__ == TEXTS:
        few = [" ".join(few[(i + j) % len(few)] for j in range(1 + i % 4)) for i in range(ROWS)]
    yield Guess(generator={}, values=(*few, *_unknown(dtype)), why=f"{why}, and what is not in it")


def _known(layer: Any) -> list[Any]:
    """Return the words of a vocabulary, without its marks for nothing and for the unknown."""
    if getattr(layer, "invert", False):
        return []
    try:
        words = layer.get_vocabulary(include_special_tokens=False)
    except (TypeError, ValueError):
        words = layer.get_vocabulary()
    return [word.item() if isinstance(word, np.generic) else word for word in words]


def _unknown(dtype: str) -> tuple[Any, ...]:
    return ("unheard-of",) if dtype == "string" else ()


def _is_writable(word: Any) -> bool:
    return not isinstance(word, str) or (0 < len(word) <= 40 and word.isprintable())


def _usual(tensor: Tensor) -> Iterator[Guess]:
    """Yield what inputs of a dtype usually are."""
    dtype, image = tensor.dtype, len(tensor.shape) == 4
    if dtype == "string":
        yield Guess(generator={}, values=WORDS, why="some words, as no vocabulary is known")
    elif dtype == "bool":
        yield from _booleans()
    elif "int" in dtype:
        if dtype == "uint8":
            yield Guess(generator={"integers": [0, 256]}, why="all that uint8 holds")
        for high in (10, 2, 100):
            yield Guess(generator={"integers": [0, high]}, why=f"integers below {high}, a guess")
    else:
        yield from _floats(image=image)


def _booleans() -> Iterator[Guess]:
    pattern = tuple(bool((row >> bit) & 1) for row in range(1, ROWS + 1) for bit in range(5))
    yield Guess(generator={}, values=pattern, why="yes and no by turns")


def _floats(*, image: bool) -> Iterator[Guess]:
    """Yield ordinary numbers, then ranges in which networks that answer alike may still differ."""
    pixels = Guess(generator={"uniform": [0.0, 1.0]}, why="pixels from 0 to 1, a guess")
    if image:
        yield pixels
    yield Guess(generator={"normal": True}, why="normal numbers, a guess")
    yield Guess(generator={"uniform": [0.0, 255.0]}, why="numbers up to 255, a guess")
    yield Guess(generator={"normal": {"mean": 0.0, "stddev": 10.0}}, why="wide numbers, a guess")
    yield Guess(generator={"integers": [0, 2]}, why="zeros and ones, a guess")
