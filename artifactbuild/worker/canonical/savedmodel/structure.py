"""What a SavedModel may consist of, so that the steps leave nothing of the process behind."""

from __future__ import annotations

from typing import Any

from artifactbuild.worker.canonical import Unknown
from artifactbuild.worker.canonical.savedmodel.saved import Saved, nodes

PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
"""Operations that call back into the process that wrote them, by the number of a function there."""


def check(saved: Saved) -> None:
    """Raise Unknown on what no step looks into."""
    if len(saved.message.meta_graphs) != 1:
        raise Unknown(f"{len(saved.message.meta_graphs)} graphs, expected one")
    if saved.graph.HasField("debug_info"):
        raise Unknown("debug information of the graph, which has paths of this machine")
    if saved.library.gradient:
        raise Unknown(f"a gradient of the function {saved.library.gradient[0].function_name!r}")
    for function in saved.library.function:
        _check_function(function)
    for node in nodes(saved):
        if node.op in PYTHON:
            raise Unknown(f"the operation {node.name!r} ({node.op}), which calls Python code")


def _check_function(function: Any) -> None:
    if function.resource_arg_unique_id:
        raise Unknown(f"ids of the resources that the function {function.signature.name!r} takes")
