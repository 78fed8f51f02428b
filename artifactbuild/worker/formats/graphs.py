"""What the formats of a traced graph share: a look into it, and our own way to load one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from artifactbuild.release.record import Loader

WRITES = frozenset({"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"})


def operations(serving: Any) -> Iterator[Any]:
    """Yield the definition of every operation of a traced function, inner functions included."""
    definition = serving.graph.as_graph_def()
    yield from definition.node
    for function in definition.library.function:
        yield from function.node_def


def constants(serving: Any) -> Iterator[Any]:
    """Yield the array of every constant of a traced function."""
    for operation in operations(serving):
        if operation.op == "Const":
            yield tf.make_ndarray(operation.attr["value"].tensor)


def writes_state(serving: Any) -> bool:
    """Tell whether an answer changes a variable, as that of a stateful RNN does."""
    return any(operation.op in WRITES for operation in operations(serving))


def ours() -> Loader:
    """Return our own loader of a graph: a function from arrays by name to arrays by name."""
    return Loader(
        name="artifactbuild",
        summary="artifactbuild, which checks the digests first",
        code='import artifactbuild\n\npredict = artifactbuild.load(".")\n',
        against="graph",
        exact=False,
        sources=False,
    )
