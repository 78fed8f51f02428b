"""Models that answer differently from call to call: found, and the layer named where it can be."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from artifactbuild.manifest.model import Tensor
from artifactbuild.worker import reference
from artifactbuild.worker.compare import compare
from artifactbuild.worker.reference import Arrays
from artifactbuild.worker.signature import Signature, name_outputs

ROWS, CALLS = 32, 3
"""Two calls on two rows take a random layer for a fixed one half of the time."""


def fault(model: keras.Model, signature: Signature, named: Arrays) -> str:
    """Return how two calls differ and by which layer, empty if they do not."""
    probe = _widened(named, signature.inputs)
    known = tuple(getattr(model, "output_names", ()) or ())
    first = reference.eager(model, signature, probe, known)
    for _ in range(CALLS - 1):
        again = compare(reference.eager(model, signature, probe, known), first)
        if again.fault and not _is_nan_only(again.fault):
            culprit = _culprit(model, signature, probe)
            return f"{again.fault}; {culprit}" if culprit else again.fault
    return ""


def _widened(named: Arrays, tensors: tuple[Tensor, ...]) -> Arrays:
    """Return inputs of ROWS rows, the given ones over and over, where the batch size is free."""
    free = {tensor.name: tensor.shape[:1] == (None,) for tensor in tensors}
    if not all(free.values()):
        return named
    return {
        name: np.resize(array, (max(ROWS, len(array)), *array.shape[1:]))
        for name, array in named.items()
    }


def _is_nan_only(text: str) -> bool:
    return " is nan, expected nan" in text


def _culprit(model: keras.Model, signature: Signature, named: Arrays) -> str:
    """Name the first layer of a functional model that differs, else all that hold a seed."""
    layers = [layer for layer in model.layers if _has_output(layer)]
    if layers and hasattr(model, "inputs"):
        inner = keras.Model(model.inputs, [layer.output for layer in layers])
        arranged = (
            list(signature.arrange(named).values())
            if isinstance(signature.structure, dict)
            else signature.arrange(named)
        )
        first, again = (inner(arranged, training=False) for _ in range(2))
        for layer, one, other in zip(layers, first, again, strict=True):
            found, expected = (reference.numpy(name_outputs(each)) for each in (one, other))
            if compare(found, expected).fault:
                return f"the first layer that differs is {layer.name!r} ({type(layer).__name__})"
    seeded = [layer.name for layer in model._flatten_layers() if layer._seed_generators]
    return f"the layers with a seed are {', '.join(map(repr, seeded))}" if seeded else ""


def _has_output(layer: Any) -> bool:
    try:
        return layer.output is not None
    except (AttributeError, ValueError):
        return False
