"""The lock of a released version, from its records and its folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from artifactbuild.manifest.rules import DEFAULT
from artifactbuild.release import adoption, lock
from artifactbuild.release.lock import (
    Lock,
    Locked,
    LockedChecks,
    LockedInputs,
    LockedLayer,
    LockedMeasure,
    LockedTotals,
)
from artifactbuild.release.record import Architecture, Check, Layer, Measure, Record

SHORT = 12
"""Hexadecimal digits of a digest that people compare by eye."""

Files = Mapping[str, str]


def of(records: Mapping[str, Record], files: Mapping[str, Files], before: Lock | None) -> Lock:
    """Return the lock of a version: what `before` says of it stands, new formats join it."""
    first = next(iter(records.values()))
    known = dict(before.artifacts) if before else {}
    new = {format: made for format, made in records.items() if format not in known}
    for format, made in new.items():
        size = sum(file.size for file in made.files.values())
        known[format] = Locked(options=made.options, size=size, files=files[format])
    environment = {n: v for made in new.values() for n, v in made.environment.items()}
    found = [made.inputs for made in new.values()]
    sources, variables, distributions = (
        {name: value for inputs in found for name, value in getattr(inputs, kind).items()}
        for kind in ("sources", "variables", "distributions")
    )
    checks = [*(before.checks if before else ()), *_checks(new)]
    measures = [*(before.measures if before else ()), *_measures(new)]
    facts = before.release if before else None
    if before is None or (facts is not None and new):
        facts = adoption.release(new, facts)
    joined = Lock(
        lock_version=lock.VERSION,
        model=first.model_name,
        version=first.version,
        created_at=(before or first).created_at,
        totals=before.totals if before else totals(first.architecture),
        input_signature=(before or first).input_signature,
        output_signature=(before or first).output_signature,
        layers=before.layers if before else tuple(layers(first.architecture.layers)),
        checks=tuple(sorted(checks, key=lambda each: each.format)),
        measures=tuple(sorted(measures, key=lambda each: each.format)),
        environment={**environment, **(before.environment if before else {})},
        release=facts,
        inputs=LockedInputs(
            manifest=(before or first).inputs.manifest,
            sources={**sources, **(before.inputs.sources if before else {})},
            variables={**variables, **(before.inputs.variables if before else {})},
            distributions={**distributions, **(before.inputs.distributions if before else {})},
            environment=before.inputs.environment if before else {},
            stated=before.inputs.stated if before else {},
        ),
        artifacts=known,
    )
    return joined if facts is None else _with_own(joined, new)


def _with_own(lock: Lock, new: Mapping[str, Record]) -> Lock:
    """Note where the facts of formats that join a version are not those of the version."""
    own = {format: adoption.apart(made, lock) for format, made in new.items()}
    artifacts = {
        format: replace(each, own=own[format]) if own.get(format) else each
        for format, each in lock.artifacts.items()
    }
    return replace(lock, artifacts=artifacts)


def totals(architecture: Architecture) -> LockedTotals:
    """Return what the layers of an architecture sum up to."""
    return LockedTotals(
        kind=architecture.kind,
        layers=sum(1 for _ in layers(architecture.layers)),
        parameters=architecture.parameters,
        trainable=architecture.trainable_parameters,
        precision=architecture.precision,
        config_digest=architecture.config_sha256[:SHORT],
        weights_digest=architecture.weights_sha256[:SHORT],
    )


def layers(found: tuple[Layer, ...], path: str = "") -> Iterator[LockedLayer]:
    """Yield each layer and then those in it, in the model's order."""
    for layer in found:
        yield LockedLayer(
            name=path + layer.name,
            kind=layer.kind,
            output=layer.output_shape,
            parameters=layer.parameters,
            inputs=layer.inputs,
            config=layer.config,
            config_digest=layer.config_sha256[:SHORT],
            weights_digest=layer.weights_sha256[:SHORT],
        )
        yield from layers(layer.layers, f"{path}{layer.name}/")


def told(check: Check) -> str:
    """Tell what a check compared, and by which rule, without its figures."""
    if check.compare == "exact":
        return f"{check.compared} = {check.against}"
    own = [] if check.rule == DEFAULT else [check.rule]
    if check.compare == "allclose":
        rule = ", ".join([f"atol {check.atol:g}", f"rtol {check.rtol:g}", *own])
        return f"{check.compared} ≈ {check.against} ({rule})"
    return f"{check.compared} as {check.against} by {', '.join([check.compare, *own])}"


def _checks(records: Mapping[str, Record]) -> Iterator[LockedChecks]:
    for format, made in records.items():
        for loader in dict.fromkeys(check.loader for check in made.checks):
            own = [check for check in made.checks if check.loader == loader]
            yield LockedChecks(
                format=format,
                loader=loader,
                passed=tuple(told(check) for check in own if check.passed),
                failed=tuple(told(check) for check in own if not check.passed),
            )


def _measures(records: Mapping[str, Record]) -> Iterator[LockedMeasure]:
    for format, made in records.items():
        alike: dict[tuple[object, ...], list[Measure]] = {}
        for each in made.measures:
            alike.setdefault((each.metric, each.output, _four(each.value)), []).append(each)
        for group in alike.values():
            yield LockedMeasure(
                format=format,
                loaders=tuple(each.loader for each in group),
                metric=group[0].metric,
                output=group[0].output,
                value=_four(group[0].value),
                model=_four(group[0].model),
                examples=group[0].examples,
            )


def _four(value: float) -> float:
    return float(f"{value:.4g}")
