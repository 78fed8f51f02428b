"""The record: all that is known of one artifact. Its file is `metadata.json`."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artifactbuild.data import LATER, Mismatch, decode, dumps, loads
from artifactbuild.manifest.model import Tensor
from artifactbuild.problems import Problem, Refusal
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import revisions
from artifactbuild.visible import cut

FILE = "metadata.json"
CARD = "MODEL_CARD.md"
REFERENCE = "reference.npz"
FACTS = frozenset({FILE, CARD, REFERENCE})
"""The files that state facts of the release; all others are the payload, which loaders read."""

VERSION = 1
MAX_BYTES = 1 << 24
"""How large a record may be; a model of a thousand layers needs a tenth of it."""

MOMENT = "%Y-%m-%dT%H:%M:%SZ"
"""How a moment is written: RFC 3339, in UTC."""

_LAST = 253_402_300_799
"""The last second of the year 9999, after which no RFC 3339 date is."""

BINS = 16
"""How many bins a histogram has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomObject:
    """One declared custom object: where it is, and the name that Keras files it under."""

    target: str
    kind: str
    name: str
    registered: bool
    forgets: tuple[str, ...] = ()
    """Arguments of `__init__` that `get_config` does not return."""
    arrays: tuple[str, ...] = ()
    """NumPy arrays that its instances hold, which no format saves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer, or one operation of a functional graph, as the record tells it.

    `kind` is its class, `output_shape` as Keras prints it, `inputs` the names of what feeds it, in
    the order of its calls. `config` is what was chosen: what differs from the class's defaults,
    long values as size and digest; `call` in it holds constants that it is called with. `variables`
    are the places of its weights in the record's list. `layers` are those of a nested model, or of
    a layer of the user's own.

    `config_sha256` is of class and configuration without any name, `weights_sha256` of the weights
    in their order and of a vocabulary, empty without either; both cover the inner layers. So a
    layer that was only renamed keeps both.
    """

    name: str
    kind: str
    output_shape: str
    parameters: int
    inputs: tuple[str, ...]
    config: Mapping[str, Any]
    config_sha256: str
    variables: tuple[int, ...]
    weights_sha256: str
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A model's layers, and how many numbers it holds.

    `kind` is `functional`, `sequential` or `subclassed`; `precision` the coarsest float dtype that
    a layer computes in; `stateful` tells whether a call changes what the next one answers, as a
    stateful RNN does. `outputs` names the layers that give the outputs, where Keras knows it. The
    digests are those of a layer, for the model as a whole.
    """

    kind: str
    precision: str
    stateful: bool
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]
    parameters: int
    trainable_parameters: int
    config_sha256: str
    weights_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How the finite numbers of a weight are spread.

    `counts` are those of bins of equal width from `low` to `high`, none where all numbers are
    equal. `mean` and `deviation` (the standard one) are rounded to six digits of the largest
    magnitude, so that another order of summing does not show. `zeros` counts the numbers that are
    exactly 0, `not_finite` the infinities and NaNs that are left out.
    """

    low: float
    high: float
    mean: float
    deviation: float
    zeros: int
    not_finite: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of the model's state, in the one order that all formats use.

    `role` is `weight`, `seed` or `optimizer`; `sha256` is of the little-endian bytes. Weights that
    hold numbers have a histogram.
    """

    role: str
    path: str
    shape: tuple[int, ...]
    dtype: str
    sha256: str
    histogram: Histogram | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the model that the factory returned really is."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    structure: Any
    """The names of the inputs in the structure that the model is called with."""
    architecture: Architecture
    optimizer: str | None
    loss: Any
    metrics: Any
    custom_objects: tuple[CustomObject, ...]
    lambdas: tuple[str, ...]
    """The layers that hold Python bytecode."""
    vocabularies: tuple[str, ...]
    """The layers whose state lies beside their variables."""
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """One way that a user loads a payload: a snippet that is run as it stands.

    The snippet runs in the artifact's folder and defines `predict(inputs)`, of arrays by name; one
    that gives back a Keras model calls it `restored`.

    `against` names the reference (`eager` or `graph`) that must be met exactly, or, if not `exact`,
    within tolerance like the other one; `restores` the
    roles of variables that must come back to the bit; `resumes` whether training goes on from there
    as it would have from the original, to the bit; `declared` whether custom objects are filed
    in Keras' registry on import, as `register_keras_serializable` does; `sources` whether the
    project's own modules are importable.
    """

    name: str
    summary: str
    code: str
    against: str
    exact: bool = True
    restores: tuple[str, ...] = ()
    resumes: bool = False
    declared: bool = True
    sources: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding of validation: who loaded, what was compared with what, figures, verdict.

    `compare` says how: `exact`, `allclose`, `argmax` (over the last axis) or `range`, for a model
    that is declared stochastic. `max_abs` is the largest absolute difference, `atol` and `rtol` the
    bound on it (|found - expected| <= atol + rtol * |expected|), `bound` what that comes to where
    the difference is largest, `rule` the key of the manifest that set it, `count` the number of
    values compared.
    """

    loader: str
    compared: str
    against: str
    compare: str
    rule: str
    count: int
    max_abs: float | None
    atol: float
    rtol: float
    passed: bool
    detail: str = ""
    bound: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A metric that a loader was measured with, on the manifest's evaluation set.

    `value` is what the reloaded artifact reaches, `model` what the model it came from does.
    """

    loader: str
    metric: str
    output: str
    value: float
    model: float
    examples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of an artifact: its digest, and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Digests of everything that an artifact was made from.

    `manifest` has one entry per key of the manifest, except version and formats; `sources` one per
    file, listing or name under the project that the build read, as a POSIX path from the manifest's
    folder (`release.sources`); `variables` one per variable of the environment that the project's
    code read (`release.variables`), `distributions` one per distribution that it imported, with its
    version.
    """

    manifest: Mapping[str, str]
    sources: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict, metadata=LATER)
    distributions: Mapping[str, str] = field(default_factory=dict, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What `metadata.json` says; the fields are its keys."""

    record_version: int
    model_name: str
    format: str
    version: str
    created_at: str
    tensorflow_version: str
    keras_version: str
    input_signature: tuple[Tensor, ...]
    output_signature: tuple[Tensor, ...]
    about: Mapping[str, Any]
    training: Mapping[str, Any]
    data: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    notes: str
    factory: str
    kwargs: Mapping[str, Any]
    seed: int
    options: Mapping[str, Any]
    architecture: Architecture
    custom_objects: tuple[CustomObject, ...]
    structure: Any
    variables: tuple[Variable, ...]
    resumable: bool
    resumable_why: str
    lambdas: tuple[str, ...]
    stochastic: bool
    checks: tuple[Check, ...]
    measures: tuple[Measure, ...]
    loaders: tuple[Loader, ...]
    files: Mapping[str, File]
    inputs: Inputs
    environment: Mapping[str, str]
    revision: int = field(default=revisions.FIRST, metadata=LATER)
    """The revision of what writes records and cards (`release.revisions`)."""


def write(record: Record, folder: Path) -> None:
    """Write `metadata.json` into an artifact's folder."""
    (folder / FILE).write_text(dumps(record), encoding="utf-8")


def read(folder: Path) -> Record:
    """Read an artifact's `metadata.json`.

    Raises:
        Refusal: when it is not there, not JSON, or not a record of a version that we know.
    """
    path = folder / FILE
    try:
        return parsed(bounded(path, MAX_BYTES))
    except Unreadable as unreadable:
        raise Refusal(Problem(file=str(path), message=f"no such record: {unreadable}")) from None
    except Mismatch as mismatch:
        raise Refusal(Problem(file=str(path), message=str(mismatch))) from None


def parsed(raw: bytes) -> Record:
    """Return the record that the bytes of a `metadata.json` hold.

    Raises:
        Mismatch: when it is not JSON, or not a record of a version that we know.
    """
    try:
        data = loads(raw)
        found = data.get("record_version") if isinstance(data, dict) else None
        if found == VERSION:
            return decode(Record, data)
    except Mismatch as mismatch:
        raise Mismatch(f"not a record: {mismatch}") from None
    raise Mismatch(f"record_version is {found!r}, this artifactbuild reads {VERSION}")


def created_at(environ: Mapping[str, str], remembered: str | None) -> str:
    """Return the moment of creation as RFC 3339 in UTC.

    `SOURCE_DATE_EPOCH` (https://reproducible-builds.org/specs/source-date-epoch/), else what is
    remembered of the version, else the clock: the one place that reads it.
    """
    epoch = environ.get("SOURCE_DATE_EPOCH")
    if epoch is None and remembered is not None:
        return remembered
    if epoch is not None and not (re.fullmatch(r"[0-9]{1,12}", epoch) and int(epoch) <= _LAST):
        raise Refusal(
            Problem(
                file="SOURCE_DATE_EPOCH",
                message=f"found {cut(epoch, 40)!r}, expected seconds from 1970 to the year 9999",
                hint="unset it, or write `SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)`",
            )
        )
    seconds = time.time() if epoch is None else int(epoch)
    return time.strftime(MOMENT, time.gmtime(seconds))


def epoch(moment: str) -> int:
    """Return the seconds since 1970 of a moment that `created_at` gave.

    Raises:
        Refusal: when a lock that was edited says something else.
    """
    try:
        return calendar.timegm(time.strptime(moment, MOMENT))
    except (ValueError, OverflowError):
        message = f"found {moment!r}, expected a moment such as 2026-01-31T12:00:00Z"
        hint = "restore the lock with `git checkout`"
        raise Refusal(Problem(file="created_at", message=message, hint=hint)) from None
