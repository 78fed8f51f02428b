"""Which formats can hold a model: each is asked, then written once where it is thrown away."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild.manifest.model import FormatRequest
from artifactbuild.manifest.rules import rules
from artifactbuild.release.record import Loader
from artifactbuild.worker import reference
from artifactbuild.worker.blame import Stopped, described
from artifactbuild.worker.compare import compare
from artifactbuild.worker.formats import FORMATS
from artifactbuild.worker.formats.protocol import Subject
from artifactbuild.worker.messages import Tell
from artifactbuild.worker.reference import Case
from artifactbuild.worker.signature import name_outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The formats that can hold a model, and why the others cannot."""

    held: tuple[str, ...]
    refused: Mapping[str, str]


def tried(
    subject: Subject, cases: tuple[Case, ...], data: Mapping[str, Any], tell: Tell
) -> Outcome:
    """Try each format that the subject's manifest asks for."""
    reasons = {}
    for request in subject.manifest.formats:
        tell(f"trying {request.name}")
        with tempfile.TemporaryDirectory() as folder:
            reasons[request.name] = _reason(subject, cases, data, request, Path(folder))
    return Outcome(
        held=tuple(name for name, reason in reasons.items() if not reason),
        refused={name: reason for name, reason in reasons.items() if reason},
    )


def _reason(
    subject: Subject,
    cases: tuple[Case, ...],
    data: Mapping[str, Any],
    request: FormatRequest,
    folder: Path,
) -> str:
    """Say why a format cannot hold the model; empty if it can."""
    format, options = FORMATS[request.name], request.options
    refused = format.refusal(subject, options)
    if refused:
        return refused
    try:
        format.write(subject, options, folder)
        graphs = [loader for loader in format.loaders(subject, options) if not loader.exact]
        return _far(graphs[0], subject, cases, data, request, folder) if graphs else ""
    except Stopped as stopped:
        return stopped.findings[0].message
    except Exception as error:  # noqa: BLE001, whatever a converter raises is the reason
        traceback.print_exc()
        return f"{request.name} raised {described(error)}"


def _far(
    loader: Loader,
    subject: Subject,
    cases: tuple[Case, ...],
    data: Mapping[str, Any],
    request: FormatRequest,
    folder: Path,
) -> str:
    """Say how far a converted graph is from the model, if that is more than it may be."""
    names, precision = tuple(cases[0].eager), subject.facts.architecture.precision
    chosen = rules(data, request.name, request.options, names, precision=precision)
    predict = _loaded(loader, folder)
    for case in cases:
        found = reference.numpy(name_outputs(predict(case.inputs), names))
        for expected in (case.graph, case.eager):
            if fault := compare(found, expected, chosen).fault:
                return f"{fault}; it takes a `tolerance` that you can bear"
    return ""


def _loaded(loader: Loader, folder: Path) -> Callable[[Mapping[str, Any]], Any]:
    """Run the loader's snippet in the folder, as validation will."""
    namespace: dict[str, Any] = {}
    before = Path.cwd()
    os.chdir(folder)
    try:
        exec(loader.code, namespace)  # noqa: S102, the snippet is what is tried
    finally:
        os.chdir(before)
    predict: Callable[[Mapping[str, Any]], Any] = namespace["predict"]
    return predict
