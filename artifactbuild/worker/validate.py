"""The validator: one payload, one loader, one clean process.

It knows the payload, the loader's snippet and `reference.npz`, and nothing of how they were made.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from artifactbuild.data import decode
from artifactbuild.release.record import Check, Variable
from artifactbuild.worker import reference, runtime, state
from artifactbuild.worker.blame import described
from artifactbuild.worker.compare import EXACT, Comparison, check, compare, merged
from artifactbuild.worker.messages import Tell, ValidateReport, ValidateRequest
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
        restored, predict = _executed(loader.code, loader.name)
        checks = _state(request, restored) if loader.restores else ()
        return ValidateReport(checks=(*_outputs(request, predict), *checks))
    except (Exception, SystemExit) as error:  # noqa: BLE001, the door of a worker
        traceback.print_exc()
        return ValidateReport(checks=(_failed(request, f"loading raised {described(error)}"),))


def _executed(code: str, name: str) -> tuple[Any, Predict]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(code, f"<{name} loader>", "exec"), namespace)  # noqa: S102
    return namespace.get("restored"), namespace["predict"]


class _Deaf(dict[Any, Any]):
    """A registry that takes nothing in."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


def _deafen_registry() -> None:
    """Let `register_keras_serializable` file nothing, as for a consumer who did not use it."""
    registration = keras.src.saving.object_registration
    registration.GLOBAL_CUSTOM_OBJECTS = _Deaf()


def _outputs(request: ValidateRequest, predict: Predict) -> tuple[Check, ...]:
    """Compare with the loader's own reference exactly, with the other one within tolerance."""
    known = tuple(tensor.name for tensor in request.outputs)
    cases = reference.read(Path(request.folder, "reference.npz"))
    found = {case.name: _asked(predict, case, known) for case in cases}
    exact = merged(
        [compare(found[c.name], _expected(c, request.loader.against), EXACT) for c in cases]
    )
    other = "eager" if request.loader.against == "graph" else "graph"
    close = merged([compare(found[c.name], _expected(c, other), request.tolerance) for c in cases])
    if exact.fault or close.fault:
        _keep(Path(request.failure), cases, found)
    name = request.loader.name
    return (
        check(name, "outputs", request.loader.against, exact, EXACT),
        check(name, "outputs", other, close, request.tolerance),
    )


def _asked(predict: Predict, case: Case, known: tuple[str, ...]) -> Arrays:
    return reference.numpy(name_outputs(predict(case.inputs), known))


def _expected(case: Case, kind: str) -> Arrays:
    return case.eager if kind == "eager" else case.graph


def _state(request: ValidateRequest, restored: keras.Model) -> tuple[Check, ...]:
    """Compare every variable that the loader says it restores, to the bit, role by role."""
    found = state.listed(restored)
    return tuple(
        check(
            request.loader.name,
            f"{role} variables",
            "model",
            _same(_of(role, request.variables), _of(role, found)),
            EXACT,
        )
        for role in request.loader.restores
        if _of(role, request.variables) or _of(role, found)
    )


def _of(role: str, variables: tuple[Variable, ...]) -> list[Variable]:
    return [variable for variable in variables if variable.role == role]


def _same(expected: list[Variable], found: list[Variable]) -> Comparison:
    """Compare shapes, dtypes and digests in order; paths may differ, since Keras counts them."""
    if len(expected) != len(found):
        fault = f"{len(found)} variables came back, expected {len(expected)}"
        return Comparison(count=0, max_abs=None, fault=fault)
    differing = [
        before.path
        for before, after in zip(expected, found, strict=True)
        if (before.shape, before.dtype, before.sha256) != (after.shape, after.dtype, after.sha256)
    ]
    fault = f"{len(differing)} of {len(found)} differ, first {differing[0]!r}" if differing else ""
    return Comparison(count=len(found), max_abs=None, fault=fault)


def _failed(request: ValidateRequest, detail: str) -> Check:
    nothing = Comparison(count=0, max_abs=None, fault=detail)
    return check(request.loader.name, "loading", request.loader.against, nothing, EXACT)


def _keep(path: Path, cases: tuple[Case, ...], found: Mapping[str, Arrays]) -> None:
    """Keep what was expected and what was found, side by side."""
    arrays: dict[str, Any] = {}
    for case in cases:
        arrays |= {f"{case.name}/eager/{name}": array for name, array in case.eager.items()}
        arrays |= {f"{case.name}/graph/{name}": array for name, array in case.graph.items()}
        arrays |= {f"{case.name}/found/{name}": array for name, array in found[case.name].items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, allow_pickle=False, **arrays)
