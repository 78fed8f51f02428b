"""Is a model fit to be published: same answers each time, traced as eager, unchanged by saving."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import keras

from artifactbuild.data import encode
from artifactbuild.manifest.model import Manifest
from artifactbuild.manifest.rules import Rule
from artifactbuild.manifest.rules import rules as compare_rules
from artifactbuild.release.record import Check
from artifactbuild.worker import claims, places, reference, state, steadiness
from artifactbuild.worker.architecture import is_stateful, precision
from artifactbuild.worker.blame import Stopped
from artifactbuild.worker.compare import check, compare, merged
from artifactbuild.worker.formats import graphs
from artifactbuild.worker.formats.protocol import Subject
from artifactbuild.worker.messages import Finding
from artifactbuild.worker.reference import Arrays, Case
from artifactbuild.worker.signature import Signature, own_output_names


def open_time(model: keras.Model, signature: Signature) -> list[Finding]:
    """Refuse what a traced graph gets wrong without a word: TimeDistributed on open time."""
    names = [
        layer.name
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.TimeDistributed)
    ]
    if not names or not any(t.shape[1:2] == (None,) for t in signature.inputs):
        return []
    listed = ", ".join(map(repr, names))
    message = f"TimeDistributed ({listed}) takes an open time axis for the batch when it is traced"
    hint = "give the time axis a fixed length in `input_signature`"
    return [Finding(path=("input_signature",), message=message, hint=hint)]


def steady(model: keras.Model, manifest: Manifest, signature: Signature, named: Arrays) -> None:
    """Refuse a model whose answers change from call to call, unless it is declared stochastic."""
    if manifest.stochastic:
        return
    fault = steadiness.fault(model, signature, named)
    if fault:
        message = f"two calls with the same inputs answered differently: {fault}"
        hint = "make the layer obey `training=False`, or write `stochastic: true`"
        raise Stopped(Finding(path=("factory",), message=message, hint=hint))


def settled(
    model: keras.Model, manifest: Manifest, signature: Signature, serving: Any, named: Arrays
) -> None:
    """Refuse a model whose answers change its weights, as forced training mode does.

    What a stateful layer changes, it can be reset from; what a stochastic model draws is declared.
    """
    if manifest.stochastic or is_stateful(model) or not graphs.writes_state(serving):
        return
    before = state.seen(model)
    reference.eager(model, signature, named, ())
    changed = [
        then.path
        for then, now in zip(before, state.seen(model), strict=True)
        if then.role == "weight" and then != now
    ]
    if changed:
        message = f"answering changes the weights {', '.join(map(repr, changed))}"
        hint = "let the layer pass its own `training` on, instead of `training=True`"
        raise Stopped(Finding(path=("factory",), message=message, hint=hint))


def flaw(
    model: keras.Model, manifest: Manifest, config: Mapping[str, Any], bytecode: tuple[str, ...]
) -> str:
    """Say why Keras could not give this model back as it is, empty if it can."""
    if bytecode and not manifest.allow_lambda:
        return (
            f"the lambda in {bytecode[0]!r} is Python bytecode, which Keras does not load: make it "
            "a named function or a layer and declare it, or write `allow_lambda: true`"
        )
    if place := places.fault(config):
        return place
    retrained = claims.retrained(model)
    if retrained or not model.compiled or manifest.validation.resume_steps == 0:
        return retrained
    return claims.not_whole(model)


def skew(subject: Subject, cases: tuple[Case, ...], data: Mapping[str, Any]) -> Check:
    """Compare what servers will answer (the traced graph) with what training saw (eager)."""
    manifest = subject.manifest
    options = {"tolerance": encode(manifest.validation.tolerance)}
    outputs = tuple(cases[0].eager)
    rules = compare_rules(data, "", options, outputs, precision=precision(subject.model))
    found = merged([compare(case.graph, case.eager, rules) for case in cases])
    if found.fault:
        raise Stopped(
            Finding(
                path=("factory",),
                message=f"the traced model answers unlike the model itself: {found.fault}",
                hint="look for Python branches, `training=True` defaults or random layers; "
                "or widen `validation: {tolerance: …}`",
            )
        )
    return check("model", "outputs", "graph", found)


def unchanged(subject: Subject, cases: tuple[Case, ...], given: dict[str, Arrays]) -> None:
    """Make sure that saving changed neither answers nor variables nor training configuration."""
    model, known = subject.model, own_output_names(subject.model)
    changed = [
        f"variable {before.path!r} changed"
        for before, now in zip(subject.seen, state.seen(model), strict=True)
        if before.mark != now.mark
    ]
    before = subject.config.get("compile_config") or None
    if _plain(state.training_config(model)) != _plain(before):
        changed.append("the training configuration changed")
    rules = _stochastic_rules(subject, cases)
    faults = [
        compare(
            reference.eager(model, subject.signature, given[case.name], known), case.eager, rules
        ).fault
        for case in cases
    ]
    found = [*filter(None, faults), *changed]
    if found:
        message = f"saving changed the model: {found[0]}"
        raise Stopped(Finding(path=("formats",), message=message))


def _stochastic_rules(subject: Subject, cases: tuple[Case, ...]) -> Mapping[str, Rule] | None:
    if not subject.manifest.stochastic:
        return None
    rule = Rule(compare="range", atol=0.0, rtol=0.0, source="stochastic")
    return dict.fromkeys(cases[0].eager, rule)


def _plain(config: Any) -> str:
    return json.dumps(config or None, sort_keys=True, default=str)
