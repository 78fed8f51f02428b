"""The frozen nouns of a manifest."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A name in a Python module: `module:attribute`."""

    module: str
    attribute: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read `module:attribute`."""
        module, _, attribute = text.partition(":")
        return cls(module=module, attribute=attribute)

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A declared input: its name, its shape with None for any size, its dtype."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far two outputs may differ."""

    atol: float
    rtol: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A weights file and the digest that it must have."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Examples with known answers, and what is measured on them: accuracy, mae, mse."""

    file: str
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatRequest:
    """One format to build; its options are complete, `tolerance` with atol and rtol."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """How one reference input is made.

    `arguments` are (start, stop), (), (), (mean, stddev), (low, high), (low, high) for linspace,
    zeros, ones, normal, uniform, integers. For `values` they are the nested tuples, or one value
    that fills `shape`: broadcasting to `shape` is right for both.
    """

    kind: str
    arguments: Any
    shape: tuple[int, ...]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCase:
    """One set of reference inputs: a file, or a generator for each input."""

    name: str
    file: str | None
    inputs: tuple[tuple[str, Generator], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """How reloaded artifacts are compared."""

    tolerance: Tolerance
    resume_steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All that a manifest asks for, with every default filled in."""

    name: str
    version: str
    factory: Target
    kwargs: Mapping[str, Any]
    seed: int
    processor: str
    weights: Weights | None
    custom_objects: tuple[Target, ...]
    allow_lambda: bool
    stochastic: bool
    signatures: tuple[tuple[str, Target], ...]
    assets: tuple[str, ...]
    evaluate: Evaluation | None
    formats: tuple[FormatRequest, ...]
    input_signature: tuple[Tensor, ...]
    reference_inputs: tuple[ReferenceCase, ...]
    validation: Validation
    about: Mapping[str, Any]
    training: Mapping[str, Any]
    data: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    notes: str
    card_template: str | None

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Manifest:
        """Read plain data that fits the schema."""
        from artifactbuild.manifest import schema  # slow to import, and not for nouns alone

        full = schema.defaults({**data, "formats": _mapping_of(data["formats"])})
        validation, metadata = full["validation"], full["metadata"]
        return cls(
            name=full["name"],
            version=str(full["version"]),
            factory=Target.parse(full["factory"]),
            kwargs=full["kwargs"],
            seed=full["seed"],
            processor=full["processor"],
            weights=Weights(**full["weights"]) if "weights" in full else None,
            custom_objects=tuple(Target.parse(each) for each in full["custom_objects"]),
            allow_lambda=full["allow_lambda"],
            stochastic=full["stochastic"],
            signatures=tuple((n, Target.parse(t)) for n, t in sorted(full["signatures"].items())),
            assets=tuple(full["assets"]),
            evaluate=_evaluation(full.get("evaluate")),
            formats=_formats(data, full),
            input_signature=tuple(_tensor(each) for each in full.get("input_signature", ())),
            reference_inputs=tuple(_case(each) for each in full["reference_inputs"]),
            validation=Validation(
                tolerance=_tolerance(validation["tolerance"]),
                resume_steps=validation["resume_steps"],
            ),
            about=metadata["about"],
            training=metadata["training"],
            data=metadata["data"],
            evaluation=metadata["evaluation"],
            notes=metadata["notes"],
            card_template=full["card"].get("template"),
        )


def _evaluation(data: Mapping[str, Any] | None) -> Evaluation | None:
    return Evaluation(file=data["file"], metrics=tuple(data["metrics"])) if data else None


def _mapping_of(formats: Mapping[str, Any] | list[str]) -> dict[str, Any]:
    return {name: {} for name in formats} if isinstance(formats, list) else dict(formats)


def _formats(data: Mapping[str, Any], full: Mapping[str, Any]) -> tuple[FormatRequest, ...]:
    """Return the formats with complete options, from what was said and that with every default.

    What a manifest says beats any default, be it the format's own; the most specific word wins.
    """
    from artifactbuild.manifest import schema

    said, of_all = _mapping_of(data["formats"]), data.get("validation") or {}
    return tuple(
        FormatRequest(
            name=name,
            options={
                **copy.deepcopy(dict(options)),
                "tolerance": _merged(full["validation"], options, of_all, said[name] or {}),
            },
        )
        for name in schema.format_names()
        if (options := full["formats"].get(name)) is not None
    )


def _merged(*words: Mapping[str, Any]) -> dict[str, float]:
    """Merge what each says of the tolerance, later words over earlier ones."""
    said = [word.get("tolerance", {}) for word in words]
    return {key: float(value) for each in said for key, value in each.items()}


def _tolerance(data: Mapping[str, float]) -> Tolerance:
    return Tolerance(atol=float(data["atol"]), rtol=float(data["rtol"]))


def _tensor(data: Mapping[str, Any]) -> Tensor:
    return Tensor(name=data["name"], shape=tuple(data["shape"]), dtype=data["dtype"])


def _case(data: Mapping[str, Any]) -> ReferenceCase:
    if "file" in data:
        return ReferenceCase(name=data["name"], file=data["file"], inputs=())
    inputs = tuple((key, _generator(value)) for key, value in data.items() if key != "name")
    return ReferenceCase(name=data["name"], file=None, inputs=inputs)


def _generator(data: Mapping[str, Any]) -> Generator:
    kind = next(key for key in data if key not in ("shape", "seed"))
    arguments = _arguments(kind, data[kind])
    shape = tuple(data["shape"]) if "shape" in data else _extent(arguments)
    return Generator(kind=kind, arguments=arguments, shape=shape, seed=data.get("seed", 0))


def _arguments(kind: str, value: Any) -> Any:
    if kind == "normal":
        given = {"mean": 0, "stddev": 1} if value is True else value
        return (float(given["mean"]), float(given["stddev"]))
    if kind in ("linspace", "uniform"):
        return tuple(float(each) for each in value)
    return () if kind in ("zeros", "ones") else _tuples(value)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value


def _extent(values: Any) -> tuple[int, ...]:
    return (len(values), *_extent(values[0])) if isinstance(values, tuple) else ()
