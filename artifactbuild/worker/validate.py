"""The validator: one payload, one loader, one clean process.

It knows the payload, the loader's snippet and `reference.npz`, and nothing of how they were made.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from artifactbuild.data import decode
from artifactbuild.release.record import Check, Loader, Measure
from artifactbuild.worker import evaluate, npz, reference, resume, runtime, state
from artifactbuild.worker.blame import described, loading
from artifactbuild.worker.compare import EXACT, Comparison, check, compare, merged
from artifactbuild.worker.messages import Seen, Tell, ValidateReport, ValidateRequest
from artifactbuild.worker.reference import Arrays, Case
from artifactbuild.worker.signature import name_outputs

SEED = 20_260_101
"""Not the builder's: a payload must not owe its answers to the seed."""

Predict = Callable[[Mapping[str, Any]], Any]


def run(data: Mapping[str, Any], tell: Tell) -> ValidateReport:
    """Do a validation job: run the snippet, ask it for every case, compare."""
    del tell
    request = decode(ValidateRequest, data)
    loader = request.loader
    runtime.pin(SEED, request.folder, request.search_path if loader.sources else ())
    if not loader.declared:
        _deafen_registry()
    try:
        return _validated(request)
    except (Exception, SystemExit) as error:  # noqa: BLE001, the door of a worker
        traceback.print_exc()
        return ValidateReport(checks=(_failed(request, loading(error, request.folder)),))


def _validated(request: ValidateRequest) -> ValidateReport:
    stored = reference.read(Path(request.folder, reference.FILE))
    cases = tuple(replace(c, inputs=reference.declared(c, request.inputs)) for c in stored)
    restored, predict = executed(request.loader)
    checks = list(_state(request, restored)) if request.loader.restores else []
    measures = _measured(request, predict)
    checks = [*_outputs(request, predict, cases), *checks]
    if request.loader.resumes and request.resumed:
        checks.append(_resumed(request, restored, cases))
    return ValidateReport(checks=tuple(checks), measures=measures)


def executed(loader: Loader) -> tuple[Any, Predict]:
    """Run a loader's snippet as it stands; return the restored model, if any, and `predict`."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    code = compile(loader.code, f"<{loader.name} loader>", "exec")
    exec(code, namespace)  # noqa: S102, the snippet is what is validated
    return namespace.get("restored"), namespace["predict"]


class _Deaf(dict[Any, Any]):
    """A registry that takes nothing in."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


def _deafen_registry() -> None:
    """Let `register_keras_serializable` file nothing, as for a consumer who did not use it."""
    registration = keras.src.saving.object_registration
    registration.GLOBAL_CUSTOM_OBJECTS = _Deaf()


def _outputs(
    request: ValidateRequest, predict: Predict, cases: tuple[Case, ...]
) -> tuple[Check, ...]:
    """Compare with the loader's own reference exactly, with the other one within tolerance."""
    found = {case.name: _asked(request, predict, case) for case in cases}
    loader = request.loader
    if loader.against.startswith(reference.SIGNATURE):
        return (_of_signature(request, cases, found),)
    other = "eager" if loader.against == "graph" else "graph"
    stochastic = any(rule.compare == "range" for rule in request.rules.values())
    own_rules = None if loader.exact and not stochastic else request.rules
    own = merged([compare(found[c.name], _expected(c, loader.against), own_rules) for c in cases])
    far = merged([compare(found[c.name], _expected(c, other), request.rules) for c in cases])
    if own.fault or far.fault:
        _keep(Path(request.failure), cases, found)
    return (
        check(loader.name, "outputs", loader.against, own),
        check(loader.name, "outputs", other, far),
    )


def _of_signature(
    request: ValidateRequest, cases: tuple[Case, ...], found: Mapping[str, Arrays]
) -> Check:
    """Compare with the reference of a further signature, to the bit."""
    name = request.loader.against.removeprefix(reference.SIGNATURE)
    own = merged([compare(found[case.name], case.signatures[name]) for case in cases])
    if own.fault:
        _keep(Path(request.failure), cases, found)
    return check(request.loader.name, "outputs", request.loader.against, own)


def _asked(request: ValidateRequest, predict: Predict, case: Case) -> Arrays:
    """Ask for one case; a model whose calls change its state is loaded anew for each."""
    if request.stateful:
        _, predict = executed(request.loader)
    known = tuple(tensor.name for tensor in request.outputs)
    return reference.numpy(name_outputs(predict(case.inputs), known))


def _expected(case: Case, kind: str) -> Arrays:
    return case.eager if kind == "eager" else case.graph


def _state(request: ValidateRequest, restored: keras.Model) -> tuple[Check, ...]:
    """Compare every variable that the loader says it restores, to the bit, role by role."""
    found = state.seen(restored)
    return tuple(
        check(
            request.loader.name,
            f"{role} variables",
            "model",
            _same(_of(role, request.seen), _of(role, found)),
        )
        for role in request.loader.restores
        if _of(role, request.seen) or _of(role, found)
    )


def _resumed(request: ValidateRequest, restored: keras.Model, cases: tuple[Case, ...]) -> Check:
    """Go on training and compare the whole state with the original's after the same steps."""
    if request.stateful:
        restored, _ = executed(request.loader)
    try:
        found = resume.steps(restored, cases, request.structure, request.steps)
        comparison = _same(list(request.resumed), list(found))
    except Exception as error:  # noqa: BLE001, whatever the payload's code raises
        traceback.print_exc()
        comparison = _nothing(f"going on training raised {described(error)}")
    return check(request.loader.name, f"{request.steps} training steps", "model", comparison)


def _measured(request: ValidateRequest, predict: Predict) -> tuple[Measure, ...]:
    if request.evaluation is None:
        return ()
    known = tuple(tensor.name for tensor in request.outputs)

    def answer(inputs: Arrays) -> Arrays:
        return reference.numpy(name_outputs(predict(inputs), known))

    return evaluate.measure(request.loader.name, request.evaluation, answer, request.outputs)


def _of(role: str, variables: tuple[Seen, ...]) -> list[Seen]:
    return [variable for variable in variables if variable.role == role]


def _same(expected: list[Seen], found: list[Seen]) -> Comparison:
    """Compare shapes, dtypes and marks in order; paths may differ, since Keras counts them."""
    if len(expected) != len(found):
        return _nothing(f"{len(found)} variables came back, expected {len(expected)}")
    differing = [
        before.path
        for before, after in zip(expected, found, strict=True)
        if (before.shape, before.dtype, before.mark) != (after.shape, after.dtype, after.mark)
    ]
    fault = f"{len(differing)} of {len(found)} differ, first {differing[0]!r}" if differing else ""
    return Comparison(rule=EXACT, count=len(found), max_abs=None, fault=fault)


def _failed(request: ValidateRequest, detail: str) -> Check:
    return check(request.loader.name, "loading", request.loader.against, _nothing(detail))


def _nothing(fault: str) -> Comparison:
    return Comparison(rule=EXACT, count=0, max_abs=None, fault=fault)


def _keep(path: Path, cases: tuple[Case, ...], found: Mapping[str, Arrays]) -> None:
    """Keep what was expected and what was found, side by side."""
    arrays: dict[str, Any] = {}
    for case in cases:
        arrays |= {f"{case.name}/eager/{name}": array for name, array in case.eager.items()}
        arrays |= {f"{case.name}/graph/{name}": array for name, array in case.graph.items()}
        arrays |= {f"{case.name}/found/{name}": array for name, array in found[case.name].items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    npz.write(path, arrays)
