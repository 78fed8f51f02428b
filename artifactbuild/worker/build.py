"""The builder: one model in one process, from the factory to every format in its staging folder."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from artifactbuild.data import decode
from artifactbuild.manifest.leaving import leave_out, way_out
from artifactbuild.manifest.model import Manifest
from artifactbuild.release.record import (
    Check,
    Loader,
    Measure,
)
from artifactbuild.worker import (
    claims,
    confining,
    evaluate,
    reference,
    resume,
    runtime,
    soundness,
    source,
    staging,
    state,
    tracing,
)
from artifactbuild.worker.blame import Stopped, blamed, described, reproducible
from artifactbuild.worker.facts import describe
from artifactbuild.worker.formats import FORMATS
from artifactbuild.worker.formats.protocol import Subject
from artifactbuild.worker.inputs.observer import Observer
from artifactbuild.worker.inputs.reading import UNSEEN, Found, Reading
from artifactbuild.worker.messages import BuildReport, BuildRequest, Finding, Line, Part, Seen, Tell
from artifactbuild.worker.reference import Arrays, Case
from artifactbuild.worker.signature import Signature, own_output_names, resolve

SOON = ("weights", "weights_h5", "h5", "keras")
"""Formats that are written first: they are soon written, and take long to validate.

`.keras` is the last of them: Keras reads the archive as a whole, and what is validated beside
TFLite's converter, which takes most memory of all, should take little.
"""


def run(data: Mapping[str, Any], tell: Line, observer: Observer | None = None) -> BuildReport:
    """Do a build job; what the user can repair is reported as findings."""
    try:
        return _build(decode(BuildRequest, data), tell, observer)
    except Stopped as stopped:
        return BuildReport(findings=stopped.findings)


def _build(request: BuildRequest, tell: Line, observer: Observer | None) -> BuildReport:
    manifest = Manifest.from_data(request.manifest)
    project, folder = Path(request.project), Path(request.folder)
    runtime.pin(manifest.seed, str(folder), [str(folder), str(project)])
    reading = Reading(project, folder, (*request.ignored, request.staging), observer)
    if not reading.sees_all:
        tell.warn(UNSEEN)
    tell("factory")
    objects = source.custom_objects(manifest, project)
    model = source.make(manifest, project)
    unbuilt = not model.built
    signature, given = interface(model, manifest, folder, project)
    if manifest.weights is not None:
        reading.add(folder / manifest.weights.path)
        source.load_weights(model, manifest, folder, project)
    for asset in manifest.assets:
        reading.add(folder / asset)
    state.complete(model)
    tell("reference")
    subject, cases, skew = work_out(
        model, manifest, signature, objects, given, project, request.manifest, unbuilt=unbuilt
    )
    loaders = {
        name: FORMATS[name].loaders(subject, _options(manifest, name)) for name in request.formats
    }
    early = BuildReport(facts=subject.facts, loaders=loaders, seen=subject.seen)
    _write_all(request, subject, cases, early, tell)
    tell("reference again")
    soundness.unchanged(subject, cases, given)
    measures = _measured(subject, folder)
    resumed, not_resumable = _resumed(subject, cases, loaders, tell)
    found = reading.finish()
    _hold_unchanged(found)
    confining.note(found.reads.refused, folder)
    return BuildReport(
        facts=subject.facts,
        sources=found.reads.sources,
        looks=found.reads.looks,
        variables=found.variables,
        distributions=found.distributions,
        loaders=loaders,
        checks=(skew,),
        measures=measures,
        seen=subject.seen,
        resumed=resumed,
        not_resumable=not_resumable,
    )


def _hold_unchanged(found: Found) -> None:
    """Stop where what was read is no longer what it was: nobody could say what was used."""
    findings = [
        Finding(
            path=("factory",),
            message=f"{name} changed while the model was being built from it",
            hint="run the same command again, and leave the file alone until it ends",
        )
        for name in found.reads.changed
    ]
    findings += [
        Finding(
            path=("factory",),
            message=f"the factory writes into {name}, which is in the project",
            hint="write to a folder of `tempfile.mkdtemp()`, or open the file for reading alone",
        )
        for name in found.reads.written
    ]
    if findings:
        raise Stopped(*findings)


def _resumed(
    subject: Subject,
    cases: tuple[Case, ...],
    loaders: Mapping[str, tuple[Loader, ...]],
    tell: Tell,
) -> tuple[tuple[Seen, ...], str]:
    """Take the training steps that reloaded models must repeat, the last thing the model does."""
    count = subject.manifest.validation.resume_steps
    if not subject.model.compiled:
        return (), "the model is not compiled"
    if count == 0:
        return (), "validation.resume_steps is 0, so it was not tried"
    if not any(loader.resumes for each in loaders.values() for loader in each):
        return (), ""
    tell("training on")
    try:
        return resume.steps(subject.model, cases, subject.signature.structure, count), ""
    except Exception as error:  # noqa: BLE001, whatever the model's own code raises
        traceback.print_exc()
        return (), f"a training step on the reference inputs raised {described(error)}"


def _measured(subject: Subject, folder: Path) -> tuple[Measure, ...]:
    """Measure the model in memory on the evaluation set."""
    evaluation = subject.manifest.evaluate
    if evaluation is None:
        return ()
    model, known = subject.model, own_output_names(subject.model)
    located = replace(evaluation, file=str(folder / evaluation.file))
    return evaluate.measure(
        "model",
        located,
        lambda inputs: reference.eager(model, subject.signature, inputs, known),
        subject.facts.outputs,
    )


def interface(
    model: keras.Model, manifest: Manifest, folder: Path, project: Path
) -> tuple[Signature, dict[str, Arrays]]:
    """Resolve names against structure; a model that is not built yet is called once to build."""
    if isinstance(model, keras.Sequential) and not model.built and manifest.input_signature:
        with blamed(("input_signature",), "building the model", project):
            model.build(manifest.input_signature[0].shape)
    signature = resolve(model, manifest.input_signature)
    given = reference.inputs(manifest, signature, folder)
    if not model.built:
        with blamed(("reference_inputs", 0), "calling the model", project):
            reference.eager(model, signature, next(iter(given.values())), ())
        signature = resolve(model, manifest.input_signature)
    return signature, given


def work_out(
    model: keras.Model,
    manifest: Manifest,
    signature: Signature,
    objects: tuple[Any, ...],
    given: dict[str, Arrays],
    project: Path,
    data: Mapping[str, Any],
    *,
    unbuilt: bool,
) -> tuple[Subject, tuple[Case, ...], Check]:
    """Work out once what all formats need, and hold the manifest's claims against it."""
    with blamed(("factory",), "describing the model's architecture", project):
        config = keras.saving.serialize_keras_object(model)
    custom, undeclared = claims.declared(manifest, objects, config, model)
    bytecode = claims.lambdas(config)
    findings = [
        *claims.training(manifest, model),
        *undeclared,
        *claims.held_back(model),
        *soundness.open_time(model, signature),
    ]
    if findings:
        raise Stopped(*findings)
    known = own_output_names(model)
    with blamed(("reference_inputs",), "calling the model", project):
        soundness.steady(model, manifest, signature, next(iter(given.values())))
        eager = {n: reference.eager(model, signature, a, known) for n, a in given.items()}
    with blamed(("input_signature",), "tracing the model", project):
        serving = tracing.serving(model, signature, known)
        signatures = tracing.signatures(model, manifest, signature, project)
        soundness.settled(model, manifest, signature, serving, next(iter(given.values())))
        traced = {"": serving, **signatures}
        cases = tuple(_case(model, n, a, eager[n], traced) for n, a in given.items())
    nothing = reference.proves_nothing(cases)
    if nothing:
        raise Stopped(*nothing)
    facts = describe(model, signature, serving, custom, bytecode)
    subject = Subject(
        model=model,
        manifest=manifest,
        signature=signature,
        facts=facts,
        seen=state.seen(model),
        serving=serving,
        signatures=signatures,
        config=config,
        objects={
            name: thing
            for item, thing in zip(custom, objects, strict=True)
            for name in (item.name, item.name.split(">")[-1])
        },
        unbuilt=unbuilt,
        flaw=soundness.flaw(model, manifest, config, bytecode),
    )
    return subject, cases, soundness.skew(subject, cases, data)


def _case(
    model: keras.Model, name: str, named: Arrays, eager: Arrays, traced: Mapping[str, Any]
) -> Case:
    """Return a case with the outputs of the serving function, named '', and of the others."""
    outputs = {key: reference.graph(model, each, named) for key, each in traced.items()}
    graph = outputs.pop("")
    return Case(name=name, inputs=named, eager=eager, graph=graph, signatures=outputs)


def _write_all(
    request: BuildRequest,
    subject: Subject,
    cases: tuple[Case, ...],
    early: BuildReport,
    tell: Line,
) -> None:
    """Write every format and give it; refuse first, all at once, what cannot be written."""
    manifest = subject.manifest
    refusals = [
        (name, FORMATS[name].refusal(subject, _options(manifest, name))) for name in request.formats
    ]
    findings = [
        Finding(path=("formats", name), message=text, hint=leave_out(name))
        for name, text in refusals
        if text
    ]
    if findings:
        raise Stopped(*_leaving_one(findings, manifest))
    staging.open_for(request)
    findings = []
    order = sorted(request.formats, key=[*SOON, *FORMATS].index)
    for name in order:
        reference.write(Path(request.staging, name, reference.FILE), cases)
        findings += _write(request, subject, name, tell)
        if not findings:
            tell.give(Part(written=name, report=early if name == order[0] else None))
        if name == "savedmodel":
            subject = replace(subject, saved=Path(request.staging, name))
    if findings:
        raise Stopped(*_leaving_one(findings, manifest))


def _leaving_one(findings: Sequence[Finding], manifest: Manifest) -> Iterator[Finding]:
    """Yield the findings with hints that leave a format, when all that say why are followed."""
    refused = {each.path[-1] for each in findings if each.hint == leave_out(str(each.path[-1]))}
    for each in findings:
        name = each.path[-1]
        hint = way_out(name, refused, manifest) if name in refused else each.hint
        yield replace(each, hint=hint)


def _write(request: BuildRequest, subject: Subject, name: str, tell: Tell) -> tuple[Finding, ...]:
    """Write one format; return why its converter would not, so that all are told at once."""
    tell(f"writing {name}")
    folder = Path(request.staging, name)
    try:
        with (
            blamed(("formats", name), f"writing {name}", Path(request.project)),
            reproducible(name),
        ):
            FORMATS[name].write(subject, _options(subject.manifest, name), folder)
    except Stopped as stopped:
        return stopped.findings
    return ()


def _options(manifest: Manifest, name: str) -> Mapping[str, Any]:
    return next(request.options for request in manifest.formats if request.name == name)
