"""The proposer: what a model says of its own manifest, by one run of the factory and by trying.

Nothing is proposed that was not tried: reference inputs were answered with values that vary, and
each format was written once into a folder that is thrown away.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import keras

from artifactbuild.data import decode, encode
from artifactbuild.manifest.model import Manifest
from artifactbuild.worker import claims, probing, runtime, source, state
from artifactbuild.worker.blame import Stopped, blamed
from artifactbuild.worker.build import interface, work_out
from artifactbuild.worker.messages import FACTORY_ENDED, ProposeReport, ProposeRequest, Tell
from artifactbuild.worker.objects import incomplete, targets
from artifactbuild.worker.trial import tried


def run(data: Mapping[str, Any], tell: Tell) -> ProposeReport:
    """Do a proposal job; what the user can repair is reported as findings."""
    try:
        return _proposed(decode(ProposeRequest, data), tell)
    except Stopped as stopped:
        return ProposeReport(findings=stopped.findings)


def _proposed(request: ProposeRequest, tell: Tell) -> ProposeReport:
    asked = Manifest.from_data(request.manifest)
    project, folder = Path(request.project), Path(request.folder)
    runtime.pin(asked.seed, str(folder), [str(folder), str(project)])
    tell(f"running the factory {str(asked.factory)!r} once")
    with _heard() as words:
        model = source.make(asked, project)
    print(FACTORY_ENDED, end="", flush=True)
    unbuilt = not model.built
    tell("looking for reference inputs")
    inputs = probing.found(model, asked, folder, project)
    data = {**request.manifest, **_declared(inputs)}
    state.complete(model)
    with blamed(("factory",), "describing the model's architecture", project):
        config = keras.saving.serialize_keras_object(model)
    objects = targets(config, asked, project)
    data |= {"custom_objects": objects} if objects else {}
    manifest = Manifest.from_data(data)
    signature, given = interface(model, manifest, folder, project)
    subject, cases, _ = work_out(
        model,
        manifest,
        signature,
        source.custom_objects(manifest, project),
        given,
        project,
        data,
        unbuilt=unbuilt,
    )
    if faults := incomplete(subject, cases):
        raise Stopped(*faults)
    outcome = tried(subject, cases, data, tell)
    data["formats"] = {name: {} for name in outcome.held}
    data |= _metadata(model, asked)
    if lies := claims.training(Manifest.from_data(data), model):
        raise AssertionError(lies)
    return ProposeReport(
        manifest=data,
        kind=subject.facts.architecture.kind,
        left_out=outcome.refused,
        inputs=inputs.why,
        printed=bool(words),
    )


def _declared(inputs: probing.Inputs) -> dict[str, Any]:
    return {
        "input_signature": [encode(tensor) for tensor in inputs.tensors],
        "reference_inputs": [inputs.case],
    }


def _metadata(model: keras.Model, asked: Manifest) -> dict[str, Any]:
    """Return what the factory says of itself, and what the model was compiled with.

    That is told in the words that a build holds against it.
    """
    notes, config = {"notes": _notes(asked)}, state.training_config(model)
    if config is None:
        return {"metadata": notes}
    metrics = claims.summary(config.get("metrics"))
    said = {
        "optimizer": claims.optimizer(config["optimizer"]),
        "loss": claims.summary(config.get("loss")),
        "metrics": [metrics] if isinstance(metrics, str) else metrics,
    }
    training = {key: value for key, value in said.items() if value}
    return {"metadata": {**({"training": training} if training else {}), **notes}}


def _notes(asked: Manifest) -> str:
    """Return the first sentence that the factory's docstring says of the model."""
    factory = getattr(sys.modules[asked.factory.module], asked.factory.attribute)
    lines = (inspect.getdoc(factory) or "").splitlines()
    return "".join(char for char in lines[0] if char.isprintable()) if lines else ""


@contextlib.contextmanager
def _heard() -> Iterator[list[int]]:
    """Note whether Python code prints; where it prints to, the log, stays as it is."""
    lengths: list[int] = []

    class Ear(io.TextIOBase):
        def __init__(self, stream: TextIO) -> None:
            self._stream = stream

        def write(self, text: str) -> int:
            lengths.append(len(text))
            return self._stream.write(text)

        def flush(self) -> None:
            self._stream.flush()

    with (
        contextlib.redirect_stdout(Ear(sys.stdout)),
        contextlib.redirect_stderr(Ear(sys.stderr)),
    ):
        yield lengths
