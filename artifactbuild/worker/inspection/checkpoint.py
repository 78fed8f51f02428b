"""TensorFlow checkpoints: which tensors they say they hold, and whether the data file has them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from artifactbuild.release.fault import Fault

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
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
