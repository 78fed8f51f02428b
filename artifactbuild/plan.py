"""The plan: what would be done for each format of a manifest, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artifactbuild.manifest.model import FormatRequest, Manifest
from artifactbuild.release import digest, own_facts, revisions
from artifactbuild.release.environment import drift
from artifactbuild.release.lock import Lock
from artifactbuild.release.record import Inputs
from artifactbuild.release.sources import words

BUILD, KEEP, REFUSE, DAMAGED = "build", "keep", "refuse", "damaged"
UP_TO_DATE = "up to date"

TEXT = own_facts.TEXTS
"""Keys of the manifest that only describe the model: a new text needs no new version."""

NOT_HELD = {"onnx": ("string", "bfloat16"), "tflite": ("bfloat16", "float64")}
"""Dtypes of inputs that a format has no operations for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What the plan needs to know of a version that is in the store."""

    inputs: Inputs
    options: Mapping[str, Any]
    files: Mapping[str, str]
    """The sha256 of each file in its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """What would go into a build now."""

    inputs: Inputs
    environment: Mapping[str, str]
    kind: str | None = None
    """The kind of the model, where an earlier build from the same sources found it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One format of one manifest, all options explicit: the action, its reason, what changed."""

    format: str
    options: Mapping[str, Any]
    action: str
    reason: str
    impossible: bool = False
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps of one manifest."""

    model: str
    version: str
    steps: tuple[Step, ...]

    def of(self, action: str) -> tuple[Step, ...]:
        """Return the steps with one action."""
        return tuple(step for step in self.steps if step.action == action)


def make(
    manifest: Manifest,
    current: Current,
    lock: Lock | None,
    published: Mapping[str, Published],
    damaged: Mapping[str, str] | None = None,
) -> Plan:
    """Decide each step from the manifest, the inputs as they are now, the lock and the store.

    `damaged` says of each format what is wrong with its files; such a format is not `published`.
    """
    memory = lock if lock is not None and lock.version == manifest.version else None
    return Plan(
        model=manifest.name,
        version=manifest.version,
        steps=tuple(
            _damaged(manifest, request, current, memory, damaged[request.name])
            if damaged and request.name in damaged
            else _step(manifest, request, current, memory, published.get(request.name))
            for request in manifest.formats
        ),
    )


def changes(before: Inputs, now: Inputs, *, text: bool = False) -> tuple[str, ...]:
    """Say in words which keys of the manifest and which sources differ, sorted.

    What only describes the model is left out, unless `text` is asked for.
    """
    keys = differing(before.manifest, now.manifest)
    files = differing(before.sources, now.sources)
    if not text:
        keys = [key for key in keys if key not in TEXT]
        files = [name for name in files if name not in {*templates(before), *templates(now)}]
    variables = differing(before.variables, now.variables)
    return (
        *(f"`{key}` in the manifest changed" for key in keys),
        *(words(name, before.sources.get(name), now.sources.get(name)) for name in files),
        *(f"the environment variable {name} changed" for name in variables),
        *drift(before.distributions, now.distributions),
    )


def texts(before: Inputs, now: Inputs) -> tuple[str, ...]:
    """Return the keys of the manifest and the card templates that differ, sorted."""
    files = templates(before)  # a template that is new is told by its key
    return (
        *(key for key in differing(before.manifest, now.manifest) if key in TEXT),
        *(name for name in differing(before.sources, now.sources) if name in files),
    )


def templates(inputs: Inputs) -> tuple[str, ...]:
    """Return the sources that the card is rendered from, known by the digest of its key."""
    card = inputs.manifest.get("card")
    names = inputs.sources if card is not None else ()
    return tuple(name for name in names if digest.of_data({"template": name}) == card)


def impossible(manifest: Manifest, format: str, kind: str | None) -> str:
    """Say what is known to be impossible before anything is run; the builder knows more.

    `kind` is that of the model, where it is known.
    """
    dtypes = {tensor.dtype: tensor.name for tensor in reversed(manifest.input_signature)}
    for dtype in NOT_HELD.get(format, ()):
        if dtype in dtypes:
            return f"{format} cannot take {dtype}, as the input {dtypes[dtype]!r} is"
    if format == "h5" and kind == "subclassed":
        return "h5 holds functional and sequential models, not subclassed ones"
    return ""


def rewriting(format: str, lock: Lock) -> str:
    """Say that this artifactbuild writes a released format otherwise; empty if it does not.

    Few of its artifacts may be affected. So a rebuild is tried, and held against the lock.
    """
    recorded = lock.release.revisions if lock.release is not None else {}
    if format not in lock.artifacts or not revisions.newer(format, recorded):
        return ""
    before = recorded.get(format, revisions.FIRST)
    return (
        f"this artifactbuild writes {format} by revision {revisions.CURRENT[format]}, "
        f"the lock's by revision {before}"
    )


def _step(
    manifest: Manifest,
    request: FormatRequest,
    current: Current,
    lock: Lock | None,
    published: Published | None,
) -> Step:
    version, changed = manifest.version, _changed(request, current, lock, published)
    hopeless = impossible(manifest, request.name, current.kind) if published is None else ""
    if hopeless and not changed:
        return Step(
            format=request.name,
            options=request.options,
            action=REFUSE,
            reason=hopeless,
            impossible=True,
        )
    if changed:
        action, reason = REFUSE, f"{version} was released from other inputs: {'; '.join(changed)}"
    elif published is not None:
        action, reason = KEEP, _kept(request.name, lock, published)
    else:
        action, reason = BUILD, _wanted(request.name, version, lock)
    return Step(
        format=request.name, options=request.options, action=action, reason=reason, changes=changed
    )


def _damaged(
    manifest: Manifest, request: FormatRequest, current: Current, lock: Lock | None, what: str
) -> Step:
    changed = _changed(request, current, lock, None)
    since = [f"{manifest.version} was released from other inputs, too"] if changed else []
    return Step(
        format=request.name,
        options=request.options,
        action=DAMAGED,
        reason="; ".join([what, *since]),
        changes=changed,
    )


def _changed(
    request: FormatRequest, current: Current, lock: Lock | None, published: Published | None
) -> tuple[str, ...]:
    """Return what differs between a released version's inputs and what there is now."""
    if lock is not None:
        locked = lock.artifacts.get(request.name)
        known = locked or published
        options = known.options if known else None
        return (*changes(lock.inputs, current.inputs), *_options(request, options))
    if published is not None:
        return (*changes(published.inputs, current.inputs), *_options(request, published.options))
    return ()


def _options(request: FormatRequest, before: Mapping[str, Any] | None) -> tuple[str, ...]:
    same = before is None or dict(before) == dict(request.options)
    return () if same else (f"the options of {request.name} changed",)


def _kept(name: str, lock: Lock | None, published: Published) -> str:
    locked = lock.artifacts.get(name) if lock is not None else None
    if locked is None:
        return "published, not yet in the lock"
    if not locked.is_payload(published.files):
        return "published here, but not the payload that the lock names"
    return UP_TO_DATE


def _wanted(name: str, version: str, lock: Lock | None) -> str:
    if lock is None:
        return f"{version} is new"
    if name in lock.artifacts:
        return "in the lock, not in the store"
    return f"a new format of {version}"


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the names that do not have the same digest on both sides, sorted."""
    return sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
