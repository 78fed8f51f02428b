"""The builder: one model in one process, from the factory to every format in its staging folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from artifactbuild.data import decode
from artifactbuild.manifest.model import Manifest, Tensor, Tolerance
from artifactbuild.release.record import Architecture, Check, Facts, Layer
from artifactbuild.worker import claims, reference, runtime, source, state
from artifactbuild.worker.blame import Stopped, blamed
from artifactbuild.worker.compare import EXACT, check, compare, merged
from artifactbuild.worker.formats import FORMATS
from artifactbuild.worker.formats.protocol import Subject
from artifactbuild.worker.inputs import Depfile
from artifactbuild.worker.messages import BuildReport, BuildRequest, Finding, Tell
from artifactbuild.worker.reference import Arrays, Case
from artifactbuild.worker.signature import Signature, name_outputs, own_output_names, resolve

CALLS = 3
"""How often the model answers: fewer calls take a model that is random at inference for fixed."""


def run(data: Mapping[str, Any], tell: Tell) -> BuildReport:
    """Do a build job; what the user can repair is reported as findings."""
    try:
        return _build(decode(BuildRequest, data), tell)
    except Stopped as stopped:
        return BuildReport(findings=stopped.findings)


def _build(request: BuildRequest, tell: Tell) -> BuildReport:
    manifest = Manifest.from_data(request.manifest)
    project, folder = Path(request.project), Path(request.folder)
    runtime.pin(manifest.seed, str(folder), [str(folder), str(project)])
    depfile = Depfile(project, [*map(Path, request.ignored), Path(sys.prefix)])
    tell("factory")
    objects = source.custom_objects(manifest, project)
    model = source.make(manifest, project)
    signature, given = _interface(model, manifest, folder, project)
    if manifest.weights is not None:
        depfile.add(folder / manifest.weights.path)
        source.load_weights(model, manifest, folder, project)
    state.complete(model)
    tell("reference")
    subject, cases, skew = _subject(model, manifest, signature, objects, given, project)
    _write_all(request, subject, tell)
    tell("reference again")
    _unchanged(subject, cases, given)
    for name in request.formats:
        reference.write(Path(request.staging, name, "reference.npz"), cases)
    loaders = {
        name: FORMATS[name].loaders(subject, _options(manifest, name)) for name in request.formats
    }
    return BuildReport(
        facts=subject.facts, sources=depfile.digests(folder), loaders=loaders, checks=(skew,)
    )


def _interface(
    model: keras.Model, manifest: Manifest, folder: Path, project: Path
) -> tuple[Signature, dict[str, Arrays]]:
    """Resolve names against structure; a model that is not built yet is called once to build."""
    signature = resolve(model, manifest.input_signature)
    given = reference.inputs(manifest, signature, folder)
    if not model.built:
        with blamed(("reference_inputs", 0), "calling the model", project):
            reference.eager(model, signature, next(iter(given.values())), ())
        signature = resolve(model, manifest.input_signature)
    return signature, given


def _subject(
    model: keras.Model,
    manifest: Manifest,
    signature: Signature,
    objects: tuple[Any, ...],
    given: dict[str, Arrays],
    project: Path,
) -> tuple[Subject, tuple[Case, ...], Check]:
    """Work out once what all formats need, and hold the manifest's claims against it."""
    with blamed(("factory",), "describing the model's architecture", project):
        config = keras.saving.serialize_keras_object(model)
    custom, undeclared = claims.declared(manifest, objects, config)
    findings = [*claims.training(manifest, model), *undeclared]
    if findings:
        raise Stopped(*findings)
    known = own_output_names(model)
    with blamed(("reference_inputs",), "calling the model", project):
        eager = {name: _answers(model, signature, name, arrays) for name, arrays in given.items()}
    with blamed(("input_signature",), "tracing the model", project):
        serving = _traced(model, signature, known)
        cases = tuple(
            Case(name=n, inputs=a, eager=eager[n], graph=reference.graph(serving, a))
            for n, a in given.items()
        )
    nothing = reference.proves_nothing(cases)
    if nothing:
        raise Stopped(*nothing)
    facts = _facts(model, signature, serving, custom)
    subject = Subject(
        model=model,
        manifest=manifest,
        signature=signature,
        facts=facts,
        serving=serving,
        config=config,
    )
    return subject, cases, _skew(cases, manifest.validation.tolerance)


def _answers(model: keras.Model, signature: Signature, case: str, named: Arrays) -> Arrays:
    """Return the eager outputs; a model whose answers change from call to call is refused."""
    known = own_output_names(model)
    first = reference.eager(model, signature, named, known)
    for _ in range(CALLS - 1):
        again = compare(reference.eager(model, signature, named, known), first, EXACT)
        if again.fault and "nan" not in again.fault:
            message = f"two calls with the inputs of {case!r} answered differently: {again.fault}"
            hint = "a layer is random at inference: make it obey `training=False`"
            raise Stopped(Finding(path=("factory",), message=message, hint=hint))
    return first


def _traced(model: keras.Model, signature: Signature, known: tuple[str, ...]) -> Any:
    """Return the concrete serving function: inputs by the manifest's names, outputs by name."""

    def serving(**named: Any) -> dict[str, Any]:
        return name_outputs(model(signature.arrange(named), training=False), known)

    specs = {t.name: tf.TensorSpec(t.shape, t.dtype, name=t.name) for t in signature.inputs}
    return tf.function(serving, autograph=False).get_concrete_function(**specs)


def _skew(cases: tuple[Case, ...], tolerance: Tolerance) -> Check:
    """Compare what servers will answer (the traced graph) with what training saw (eager)."""
    found = merged([compare(case.graph, case.eager, tolerance) for case in cases])
    if found.fault:
        raise Stopped(
            Finding(
                path=("factory",),
                message=f"the traced model answers unlike the model itself: {found.fault}",
                hint="look for Python branches, `training=True` defaults or random layers; "
                "or widen `validation: {tolerance: …}`",
            )
        )
    return check("model", "outputs", "graph", found, tolerance)


def _write_all(request: BuildRequest, subject: Subject, tell: Tell) -> None:
    """Write every format; refuse first, all at once, what cannot be written."""
    manifest = subject.manifest
    refusals = [
        (name, FORMATS[name].refusal(subject, _options(manifest, name))) for name in request.formats
    ]
    findings = [
        Finding(path=("formats", name), message=text, hint=f"leave {name} out of `formats:`")
        for name, text in refusals
        if text
    ]
    if findings:
        raise Stopped(*findings)
    for name in request.formats:
        tell(f"writing {name}")
        folder = Path(request.staging, name)
        with blamed(("formats", name), f"writing {name}", Path(request.project)):
            FORMATS[name].write(subject, _options(manifest, name), folder)


def _unchanged(subject: Subject, cases: tuple[Case, ...], given: dict[str, Arrays]) -> None:
    """Make sure that saving changed neither answers nor variables nor training configuration."""
    model, known = subject.model, own_output_names(subject.model)
    faults = [
        compare(
            reference.eager(model, subject.signature, given[case.name], known), case.eager, EXACT
        ).fault
        for case in cases
    ]
    changed = [
        f"variable {before.path!r} changed"
        for before, now in zip(subject.facts.variables, state.listed(model), strict=True)
        if before != now
    ]
    before = subject.config.get("compile_config") or None
    if _plain(state.training_config(model)) != _plain(before):
        changed.append("the training configuration changed")
    found = [*filter(None, faults), *changed]
    if found:
        message = f"saving changed the model: {found[0]}"
        raise Stopped(Finding(path=("formats",), message=message))


def _plain(config: Any) -> str:
    return json.dumps(config or None, sort_keys=True, default=str)


def _options(manifest: Manifest, name: str) -> Mapping[str, Any]:
    return next(request.options for request in manifest.formats if request.name == name)


def _facts(model: keras.Model, signature: Signature, serving: Any, custom: Any) -> Facts:
    config = state.training_config(model) or {}
    outputs = tuple(
        Tensor(name=name, shape=_shape(spec), dtype=spec.dtype.name)
        for name, spec in serving.structured_outputs.items()
    )
    return Facts(
        inputs=signature.inputs,
        outputs=outputs,
        architecture=Architecture(
            layers=tuple(_layer(layer) for layer in model.layers),
            parameters=model.count_params(),
            trainable_parameters=sum(_size(w) for w in model.trainable_weights),
        ),
        optimizer=type(model.optimizer).__name__ if model.compiled else None,
        loss=claims.summary(config.get("loss")),
        metrics=claims.summary(config.get("metrics")),
        custom_objects=custom,
        variables=state.listed(model),
    )


def _layer(layer: keras.layers.Layer) -> Layer:
    try:
        shape = str(tuple(layer.output.shape))
    except AttributeError:
        shape = ""
    return Layer(
        name=layer.name,
        kind=type(layer).__name__,
        output_shape=shape,
        parameters=layer.count_params(),
    )


def _shape(spec: Any) -> tuple[int | None, ...]:
    return tuple(spec.shape.as_list()) if spec.shape.rank is not None else ()


def _size(variable: keras.Variable) -> int:
    size = 1
    for dimension in variable.shape:
        size *= dimension
    return size
