"""Ask an earlier artifact the reference inputs of a later one, and compare the answers."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifactbuild.data import decode
from artifactbuild.release.diff.nouns import Outputs
from artifactbuild.worker import answers, reference, runtime, validate
from artifactbuild.worker.blame import described
from artifactbuild.worker.messages import AskRequest, Tell
from artifactbuild.worker.signature import name_outputs


def run(data: Mapping[str, Any], tell: Tell) -> Outputs:
    """Do an asking job: run the loader as a validator does; what it cannot answer is said."""
    del tell
    request = decode(AskRequest, data)
    runtime.pin(validate.SEED, request.folder, request.search_path)
    try:
        return _compared(request)
    except (Exception, SystemExit) as error:  # noqa: BLE001, the door of a worker
        traceback.print_exc()
        return Outputs(
            why_not=f"not compared: asked the new questions, the model of before raised "
            f"{described(error)}"
        )


def _compared(request: AskRequest) -> Outputs:
    """Compare with the answers that are of the loader's own kind."""
    _, predict = validate.executed(request.loader)
    part = request.loader.against
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for case in reference.read(Path(request.questions)):
        asked = reference.declared(case, request.inputs)
        found = reference.numpy(name_outputs(predict(asked), request.outputs))
        answered = case.graph if part == "graph" else case.eager
        old |= {f"{case.name}/inputs/{name}": array for name, array in case.inputs.items()}
        new |= {f"{case.name}/inputs/{name}": array for name, array in case.inputs.items()}
        old |= {f"{case.name}/{answers.ANSWERS}/{name}": array for name, array in found.items()}
        new |= {f"{case.name}/{answers.ANSWERS}/{name}": array for name, array in answered.items()}
    return answers.compared(old, new)
