"""The nouns of a difference: two sides, and what is not the same on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artifactbuild.release.lock import Lock
from artifactbuild.release.record import Record

WORKING_TREE = "the working tree"

ADDED, REMOVED, RENAMED, REWIRED, CHANGED = "added", "removed", "renamed", "rewired", "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What is known of a model at one place: a revision, a working tree, a file, a folder.

    `manifest` is plain data with every default, `requested` the complete options of the formats
    that it asks for; both are None where there is no manifest. `lock` is of `version`, else None:
    it was not built there. `records` are those of its artifacts that are at hand, by format.
    `pending` says what changed since the lock was written.
    """

    label: str
    file: str
    model: str
    version: str
    manifest: Mapping[str, Any] | None = None
    requested: Mapping[str, Mapping[str, Any]] | None = None
    lock: Lock | None = None
    records: Mapping[str, Record]
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueChange:
    """One value under its name; None stands for what is not there."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractChange:
    """One change of what clients rely on: `part` is `input`, `output`, `format` or `proof`.

    A change of `proof` is a weaker one: another loader may be further off, and still passes.
    """

    part: str
    name: str
    what: str
    before: Any
    after: Any
    breaking: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerChange:
    """One layer that was added, removed, renamed, rewired (other inputs, nothing else) or changed.

    `keys` are what was chosen otherwise; `kind`, `output`, `parameters` and `inputs` are among them
    where they differ. `was` is the name before, if it is another.
    """

    name: str
    was: str
    action: str
    kind: str
    keys: tuple[ValueChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightChange:
    """How far the weights of a layer moved: |after - before| / |before|, over all its numbers.

    None where the tensors are not at hand or not of one shape.
    """

    layer: str
    relative: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What became of the layers.

    `unrelated` tells that no layer with weights became another. `resized` are those that only
    follow another's size, `counted` the names that Keras counted otherwise, `retrained` those with
    the same shape and other weights; `of` is how many layers have weights on both sides.
    """

    changes: tuple[LayerChange, ...] = ()
    unrelated: bool = False
    resized: tuple[str, ...] = ()
    counted: tuple[ValueChange, ...] = ()
    retrained: tuple[WeightChange, ...] = ()
    of: int = 0
    totals: tuple[ValueChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputChange:
    """How far one output moved on the shared reference inputs.

    `largest` and `mean` are of |after - before|, `scale` the largest |before|, None for strings;
    `flipped` of `rows` answer with another largest entry, or another string; both are None where
    there is no last axis to choose in.
    """

    name: str
    largest: float | None = None
    mean: float | None = None
    scale: float | None = None
    rows: int | None = None
    flipped: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The answers to the same questions, or why there are none."""

    changes: tuple[OutputChange, ...] = ()
    cases: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckChange:
    """One check that was added or lost, or whose rule or verdict is another."""

    format: str
    loader: str
    check: str
    action: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All that differs between two sides of one model; empty parts are the same on both.

    A side is None where the model is not there at all; `layers` is None where one side was not
    built.
    """

    before: Side | None
    after: Side | None
    fields: tuple[ValueChange, ...] = ()
    contract: tuple[ContractChange, ...] = ()
    layers: Layers | None = None
    outputs: Outputs
    checks: tuple[CheckChange, ...] = ()
    measures: tuple[ValueChange, ...] = ()
    sizes: tuple[ValueChange, ...] = ()
    environment: tuple[ValueChange, ...] = ()
    sources: tuple[ValueChange, ...] = ()
