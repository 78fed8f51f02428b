"""TensorFlow checkpoints: variable by variable, whichever of its files differs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from artifactbuild.worker.difference import proto, tree

OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def differences(before: Path, after: Path) -> Iterator[str]:
    """Yield the variables that differ between the checkpoints that two files belong to."""
    was, now = (tf.train.load_checkpoint(str(path.with_suffix(""))) for path in (before, after))
    names = [list(reader.get_variable_to_shape_map()) for reader in (was, now)]
    yield from (f"variable {_name(n)!r} is gone" for n in sorted(names[0]) if n not in names[1])
    yield from (f"variable {_name(n)!r} is new" for n in sorted(names[1]) if n not in names[0])
    for name in sorted(set(names[0]) & set(names[1])):
        if name == OBJECTS:
            graphs = [_graph(reader) for reader in (was, now)]
            yield from tree.differences(graphs[0], graphs[1], "object graph")
        else:
            values = [np.asarray(reader.get_tensor(name)) for reader in (was, now)]
            yield from tree.of_arrays(values[0], values[1], f"variable {_name(name)!r}")


def _name(name: str) -> str:
    return name.removesuffix(VALUE)


def _graph(reader: Any) -> Any:
    graph = trackable_object_graph_pb2.TrackableObjectGraph()
    graph.ParseFromString(reader.get_tensor(OBJECTS))
    return proto.plain(graph)
