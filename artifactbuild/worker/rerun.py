"""The re-run: an artifact loaded again, long after it was published, and asked as it was then.

The loaders are this package's own, never the snippets of a record, which may be anybody's. Those
that need the project's code run only if it is given.
"""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from artifactbuild import limits
from artifactbuild.data import decode
from artifactbuild.manifest.rules import Rule
from artifactbuild.release import environment, record
from artifactbuild.release.record import Check, Record
from artifactbuild.worker import reference, runtime, state
from artifactbuild.worker.blame import loading
from artifactbuild.worker.compare import EXACT, Comparison, check, compare, merged
from artifactbuild.worker.formats import FORMATS
from artifactbuild.worker.formats.protocol import Load, Loading
from artifactbuild.worker.messages import RerunReport, RerunRequest, Sources, Tell
from artifactbuild.worker.reference import Arrays, Case
from artifactbuild.worker.settings import RECORDED
from artifactbuild.worker.signature import arranged, name_outputs

SEED = 20_260_102
OURS = "artifactbuild"
ALONE = ("weights", "weights_h5")
"""Formats whose model the factory must make."""


def run(data: Mapping[str, Any], tell: Tell) -> RerunReport:
    """Do a re-run: ask every loader that can be had for every case, and compare."""
    del tell
    request = decode(RerunRequest, data)
    limits.set_here(request.limits)
    try:
        return _rerun(request)
    except (Exception, SystemExit) as error:  # noqa: BLE001, the door of a worker
        traceback.print_exc()
        return RerunReport(checks=(_failed(OURS, error),), skipped=())


def _rerun(request: RerunRequest) -> RerunReport:
    made = record.read(Path(request.folder))
    search_path = request.sources.search_path if request.sources else ()
    runtime.pin(SEED, request.folder, search_path)
    found: list[Check] = []
    ways = dict(_ways(made, request))
    for name, load in ways.items():
        try:
            found += _asked(made, name, load)
        except (Exception, SystemExit) as error:  # noqa: BLE001, the door of a worker
            traceback.print_exc()
            found.append(_failed(name, error))
    skipped = tuple(sorted({loader.name for loader in made.loaders} - ways.keys()))
    return RerunReport(checks=tuple(found), skipped=skipped)


def _failed(name: str, error: BaseException) -> Check:
    fault = loading(error, os.curdir)
    nothing = Comparison(rule=EXACT, count=0, max_abs=None, fault=fault)
    return check(name, "loading", "reference", nothing)


def _ways(made: Record, request: RerunRequest) -> Iterator[tuple[str, Load]]:
    """Yield the loaders that can be had: those without code, and ours where none is lacking."""
    folder, format = Path(), FORMATS[made.format]
    yield from format.portable(folder, made).items()
    graphs = made.format in ("tflite", "onnx")
    if graphs or (not made.custom_objects and made.format not in ALONE):
        yield OURS, lambda: _restored(made, folder, None)
    elif request.sources is not None:
        sources = request.sources
        yield OURS, lambda: _restored(made, folder, sources)


def _restored(made: Record, folder: Path, sources: Sources | None) -> Any:
    """Return the function that asks what `artifactbuild.load` gives back."""
    how = Loading(
        custom_objects=_objects(sources),
        into=_model(made, sources) if made.format in ALONE else None,
        safe_mode=sources is None or not sources.allow_lambda,
    )
    restored = FORMATS[made.format].restore(folder, made, how)
    if not isinstance(restored, keras.Model):
        return restored
    return lambda inputs: restored(arranged(made.structure, inputs), training=False)


def _objects(sources: Sources | None) -> Mapping[str, Any] | None:
    """Return the manifest's custom objects under both of their names."""
    if sources is None:
        return None
    found: dict[str, Any] = {}
    for target in sources.custom_objects:
        loaded = _imported(target)
        found |= {loaded.__name__: loaded, keras.saving.get_registered_name(loaded): loaded}
    return found


def _model(made: Record, sources: Sources | None) -> Any:
    """Return the factory's model, with its weights made by one call."""
    assert sources is not None
    model = _imported(sources.factory)(**sources.kwargs)
    case = reference.read(Path(record.REFERENCE))[0]
    model(arranged(made.structure, reference.declared(case, made.input_signature)), training=False)
    state.reset(model)
    return model


def _imported(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _asked(made: Record, name: str, load: Load) -> Iterator[Check]:
    """Ask one loader for every case, and repeat the comparisons that the record has of it."""
    stored = reference.read(Path(record.REFERENCE))
    cases = [replace(c, inputs=reference.declared(c, made.input_signature)) for c in stored]
    predict, found = load(), {}
    for case in cases:
        predict = load() if made.architecture.stateful else predict
        outputs = name_outputs(predict(case.inputs), tuple(t.name for t in made.output_signature))
        found[case.name] = reference.numpy(outputs)
    for before in _recorded(made, name):
        expected = [_expected(case, before.against) for case in cases]
        rule = _rule(made, before)
        pairs = zip((found[case.name] for case in cases), expected, strict=True)
        compared = merged([compare(f, e, dict.fromkeys(e, rule)) for f, e in pairs])
        yield check(name, before.compared, before.against, compared)


def _recorded(made: Record, name: str) -> list[Check]:
    """Return the comparisons of outputs that the record has of a loader; there must be some."""
    found = [c for c in made.checks if c.loader == name and c.compared == "outputs"]
    if not found:
        raise ValueError(f"the record has no comparison of outputs by {name!r}")
    return found


def _rule(made: Record, before: Check) -> Rule:
    """Return how a comparison was made; in another environment, equal means within tolerance."""
    ours = {**RECORDED, "processor_maker": environment.processor_maker()}
    here = environment.here(ours, [made.format])
    if before.compare == "exact" and environment.drift(made.environment, here):
        tolerance = made.options["tolerance"]
        bounds = float(tolerance["atol"]), float(tolerance["rtol"])
        return Rule(compare="allclose", atol=bounds[0], rtol=bounds[1], source="environment")
    return Rule(compare=before.compare, atol=before.atol, rtol=before.rtol, source=before.rule)


def _expected(case: Case, against: str) -> Arrays:
    if against.startswith(reference.SIGNATURE):
        return case.signatures[against.removeprefix(reference.SIGNATURE)]
    return case.eager if against == "eager" else case.graph
