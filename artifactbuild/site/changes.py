"""What changed from one version of a model to the next, from their records alone. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artifactbuild.manifest.model import Tensor
from artifactbuild.release.card import size
from artifactbuild.release.record import Layer, Measure
from artifactbuild.site.shelf import Version

FOLLOWING = frozenset({"output shape", "parameters"})
"""What changes in a layer when one before it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What changed in a thing; `before` or `after` is empty where it was added or removed."""

    key: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that changed, with its parts; of a layer, what was chosen stands first.

    `layers` names those of which there is no more to say, `breaking` tells that callers of the
    model have to change too.
    """

    area: str
    subject: str
    parts: tuple[Part, ...] = ()
    layers: tuple[str, ...] = ()
    breaking: bool = False


def between(before: Version, after: Version) -> tuple[Change, ...]:
    """Return what changed, contract first; empty where only the version did."""
    old, new = before.record, after.record
    return (
        *_tensors("input", old.input_signature, new.input_signature),
        *_tensors("output", old.output_signature, new.output_signature),
        *_layers(old.architecture.layers, new.architecture.layers),
        *_weights(old.architecture.layers, new.architecture.layers),
        *_mapping("totals", _totals(before), _totals(after)),
        *_mapping("formats", _formats(before), _formats(after)),
        *_mapping("measured", _measures(before), _measures(after)),
        *_mapping("training", old.training, new.training),
        *_mapping("data", old.data, new.data),
        *_mapping("evaluation", old.evaluation, new.evaluation),
        *_mapping("notes", {"notes": old.notes}, {"notes": new.notes}),
        *_mapping("sources", _short(old.inputs.sources), _short(new.inputs.sources)),
        *_mapping("environment", old.environment, new.environment),
    )


def _tensors(area: str, before: Sequence[Tensor], after: Sequence[Tensor]) -> Iterator[Change]:
    """Compare inputs or outputs by name; an output more breaks nobody, and no wider input does."""
    old, new = {t.name: t for t in before}, {t.name: t for t in after}
    for name in dict.fromkeys((*old, *new)):
        was, now = old.get(name), new.get(name)
        if was != now:
            yield Change(
                area="contract",
                subject=f"{area} {name}",
                parts=(Part(before=_tensor(was), after=_tensor(now)),),
                breaking=not _kept(area, was, now),
            )


def _kept(area: str, was: Tensor | None, now: Tensor | None) -> bool:
    if was is None or now is None:
        return area == "output" and was is None
    wider = len(was.shape) == len(now.shape) and all(
        b in (a, None) for a, b in zip(was.shape, now.shape, strict=False)
    )
    return area == "input" and was.dtype == now.dtype and wider


def _tensor(tensor: Tensor | None) -> str:
    return "" if tensor is None else f"{tensor.dtype}{json.dumps(tensor.shape)}"


def _layers(before: Sequence[Layer], after: Sequence[Layer]) -> Iterator[Change]:
    """Compare layers by path; one that went and one that came with the same digests was renamed."""
    old, new = dict(_flat(before)), dict(_flat(after))
    gone = {path: layer for path, layer in old.items() if path not in new}
    come = {path: layer for path, layer in new.items() if path not in old}
    for path, layer in list(come.items()):
        same = next((p for p, each in gone.items() if _alike(each, layer)), None)
        if same is not None:
            yield _change("architecture", "renamed", Part(before=same, after=path))
            del gone[same], come[path]
    for path, layer in gone.items():
        yield _change("architecture", path, Part(before=_told(layer)))
    for path, layer in come.items():
        yield _change("architecture", path, Part(after=_told(layer)))
    differing = {p: tuple(_inside(old[p], layer)) for p, layer in new.items() if p in old}
    follows = [p for p, parts in differing.items() if parts and {x.key for x in parts} <= FOLLOWING]
    for path, parts in differing.items():
        if parts and path not in follows:
            yield _change("architecture", path, *parts)
    if follows:
        subject = f"{_number(len(follows))} only in shape"
        yield Change(area="architecture", subject=subject, layers=tuple(follows))


def _number(count: int) -> str:
    return "1 layer" if count == 1 else f"{count} layers"


def _change(area: str, subject: str, *parts: Part) -> Change:
    return Change(area=area, subject=subject, parts=parts)


def _inside(before: Layer, after: Layer) -> Iterator[Part]:
    """Return what differs between two layers of one path; of inner layers these tell themselves."""
    yield from _parts(before.config, after.config)
    yield from _parts(_facts(before), _facts(after))


def _flat(layers: Sequence[Layer], prefix: str = "") -> Iterator[tuple[str, Layer]]:
    for layer in layers:
        yield prefix + layer.name, layer
        yield from _flat(layer.layers, f"{prefix}{layer.name}/")


def _alike(one: Layer, other: Layer) -> bool:
    return (one.config_sha256, one.weights_sha256, one.output_shape) == (
        other.config_sha256,
        other.weights_sha256,
        other.output_shape,
    )


def _told(layer: Layer) -> str:
    return f"{layer.kind} {layer.output_shape}".rstrip() + f", {layer.parameters:,} parameters"


def _facts(layer: Layer) -> dict[str, Any]:
    return {
        "class": layer.kind,
        "fed by": ", ".join(layer.inputs),
        "output shape": layer.output_shape,
        "parameters": f"{layer.parameters:,}",
    }


def _weights(before: Sequence[Layer], after: Sequence[Layer]) -> Iterator[Change]:
    """Name the layers whose weights differ, where nothing lies within them that does."""
    old, new = dict(_flat(before)), dict(_flat(after))
    differing = [
        path
        for path, layer in new.items()
        if path in old and not layer.layers and layer.weights_sha256 != old[path].weights_sha256
    ]
    holding = [layer for layer in new.values() if not layer.layers and layer.weights_sha256]
    if differing:
        subject = f"{len(differing)} of {_number(len(holding))}"
        yield Change(area="weights", subject=subject, layers=tuple(differing))


def _totals(version: Version) -> dict[str, str]:
    known = version.record.architecture
    return {
        "parameters": f"{known.parameters:,}",
        "trainable parameters": f"{known.trainable_parameters:,}",
        "kind": known.kind,
        "precision": known.precision,
    }


def _formats(version: Version) -> dict[str, str]:
    return {a.record.format: size(a.size) for a in version.artifacts}


def _measures(version: Version) -> dict[str, str]:
    """Return what the model in memory reached, where it was measured."""
    return {_metric(m): f"{m.model:.4f}" for a in version.artifacts for m in a.record.measures}


def _metric(measure: Measure) -> str:
    return f"{measure.metric} of {measure.output}"


def _short(digests: Mapping[str, str]) -> dict[str, str]:
    return {name: digest[:12] for name, digest in digests.items()}


def _mapping(area: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for part in _parts(before, after):
        yield _change(area, part.key, Part(before=part.before, after=part.after))


def _parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Part]:
    for key in sorted({*before, *after}):
        was, now = _text(before.get(key)), _text(after.get(key))
        if was != now:
            yield Part(key=key, before=was, after=now)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    )
