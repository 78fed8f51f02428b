"""TensorFlow checkpoints: which tensors they say they hold, and whether the data file has them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import trackable_object_graph_pb2

from artifactbuild.release.fault import Fault

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
REGISTERED = "registered_saver"
CHECKSUM = 4
TABLES = ("/.ATTRIBUTES/table-keys", "/.ATTRIBUTES/table-values")
"""What lookup tables keep their text under."""


def inspect(folder: Path, prefix: str) -> Iterator[Fault]:
    """Find tensors that are no plain numbers, or are larger than the file that holds them."""
    index = f"{prefix}.index"
    try:
        reader = tf.train.load_checkpoint(str(folder / prefix))
        shapes = reader.get_variable_to_shape_map()
        dtypes = reader.get_variable_to_dtype_map()
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        message = f"is no checkpoint that can be read: {error}"
        yield Fault(kind="unreadable", file=index, message=message)
        return
    stored = (folder / f"{prefix}.data-00000-of-00001").stat().st_size
    claimed = 0
    for name in sorted(shapes):
        dtype = dtypes[name]
        if dtype == tf.string and name != GRAPH and not name.endswith(TABLES):
            message = "holds text, expected numbers"
            yield Fault(kind="checkpoint-type", file=index, at=name, message=message)
        elif dtype.size:
            claimed += dtype.size * math.prod(shapes[name])
    if claimed > stored:
        message = f"claims {claimed} bytes of values, and the data file has {stored}"
        yield Fault(kind="checkpoint-bomb", file=index, message=message)
    else:
        yield from _read(reader, prefix, stored, claimed)


def _read(reader: Any, prefix: str, stored: int, claimed: int) -> Iterator[Fault]:
    """Read every tensor where the index says that it is, and count what no tensor takes."""
    index, data = f"{prefix}.index", f"{prefix}.data-00000-of-00001"
    texts = 0
    for name, dtype in sorted(reader.get_variable_to_dtype_map().items()):
        try:
            value = reader.get_tensor(name)
        except (ValueError, RuntimeError, IndexError, tf.errors.OpError) as error:
            message = f"cannot be read: {error}"
            yield Fault(kind="checkpoint-value", file=index, at=name, message=message)
            return
        if dtype == tf.string:
            texts += _size([value] if isinstance(value, bytes) else np.ravel(value))
        if name == GRAPH and (saver := _registered(value)):
            message = f"is restored by {saver!r}, which is not TensorFlow's own"
            yield Fault(kind="checkpoint-type", file=index, at=name, message=message)
    if claimed + texts != stored:
        message = f"has {stored} bytes, and its tensors take {claimed + texts}"
        yield Fault(kind="checkpoint-hidden", file=data, message=message)


def _size(texts: Any) -> int:
    """Return the bytes that texts take in a data file: lengths, a checksum of them, contents."""
    lengths = [len(text) for text in texts]
    return sum((max(n.bit_length(), 1) + 6) // 7 + n for n in lengths) + CHECKSUM


def _registered(value: bytes) -> str:
    """Return the name of a saver that Python code has to register, if an object is saved by one."""
    graph = trackable_object_graph_pb2.TrackableObjectGraph()
    try:
        graph.ParseFromString(value)
    except DecodeError:
        return "?"
    return next((n.registered_saver.name for n in graph.nodes if n.HasField(REGISTERED)), "")
