"""The nouns of the suite: a kind of model, and its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ROWS = 8
"""The batch size of reference inputs; no other size of a kind is the same unless it is fixed."""

ANY = 7
"""What a size that the model leaves open is in reference inputs."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of a model, and the generator of its reference values."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    values: Values

    def reference(self, seed: int) -> dict[str, Any]:
        """Return the generator as the manifest writes it."""
        if "values" in self.values:
            return dict(self.values)
        batch, *sizes = self.shape
        shape = [batch or ROWS, *(size or ANY for size in sizes)]
        return {**self.values, "shape": shape, "seed": seed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One model of the suite; `custom_objects` are names in the modules of the factories."""

    name: str
    group: str
    module: str
    inputs: tuple[Input, ...]
    custom_objects: tuple[str, ...]


NORMAL: Values = {"normal": True}


def floats(name: str, *shape: int | None, dtype: str = "float32") -> Input:
    """Return an input of normal numbers."""
    return Input(name=name, shape=shape, dtype=dtype, values=NORMAL)


def uniform(name: str, low: float, high: float, *shape: int | None) -> Input:
    """Return an input of evenly spread numbers."""
    return Input(name=name, shape=shape, dtype="float32", values={"uniform": [low, high]})


def integers(name: str, low: int, high: int, *shape: int | None, dtype: str = "int32") -> Input:
    """Return an input of integers from low up to high, which is left out."""
    return Input(name=name, shape=shape, dtype=dtype, values={"integers": [low, high]})


def literal(name: str, values: list[Any], *shape: int | None, dtype: str = "string") -> Input:
    """Return an input of the values given."""
    return Input(name=name, shape=shape, dtype=dtype, values={"values": values})


X = floats("x", None, 4)
"""What most models take."""


def kinds(
    group: str,
    module: str,
    names: str,
    *inputs: Input,
    custom: str = "",
) -> Iterator[Kind]:
    """Yield the kinds of one row that take the same inputs and the same custom objects."""
    targets = tuple(f"factories.{target}" for target in custom.split())
    for name in names.split():
        yield Kind(
            name=name,
            group=group,
            module=f"factories.{module}",
            inputs=inputs or (X,),
            custom_objects=targets,
        )
