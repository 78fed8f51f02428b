"""A model's state in one order: weights, seed generators, optimizer. All formats use it."""

from __future__ import annotations

import hashlib
from typing import Any

import keras
import numpy as np

from artifactbuild.release.record import Variable


def complete(model: keras.Model) -> None:
    """Build the optimizer, so that its variables exist before anything is read or written."""
    if model.compiled and model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def model_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the weights and the seed generators' states in Keras' own order, without metrics."""
    return list(model.variables)


def optimizer_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the optimizer's variables in its own order: none if the model is not compiled."""
    if not model.compiled or model.optimizer is None:
        return []
    return list(model.optimizer.variables)


def listed(model: keras.Model) -> tuple[Variable, ...]:
    """Return role, path, shape, dtype and digest of every variable, in the one order."""
    weights = {id(variable) for variable in model.weights}
    own = [("weight" if id(v) in weights else "seed", v) for v in model_variables(model)]
    return tuple(
        _variable(role, variable)
        for role, variable in [*own, *(("optimizer", v) for v in optimizer_variables(model))]
    )


def training_config(model: keras.Model) -> Any:
    """Return what the model was compiled with, as plain data; None if it was not."""
    return model.get_compile_config() or None if model.compiled else None


def _variable(role: str, variable: keras.Variable) -> Variable:
    array = np.ascontiguousarray(keras.ops.convert_to_numpy(variable.value))
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return Variable(
        role=role,
        path=variable.path,
        shape=tuple(variable.shape),
        dtype=keras.backend.standardize_dtype(variable.dtype),
        sha256=hashlib.sha256(little.tobytes()).hexdigest(),
    )
