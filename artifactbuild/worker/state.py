"""A model's state in one order: weights, seed generators, optimizer. All formats use it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

from artifactbuild.problems import Problem, Refusal
from artifactbuild.release.record import Record, Variable
from artifactbuild.worker import npz
from artifactbuild.worker.messages import Seen
from artifactbuild.worker.settings import THREADS

Told = TypeVar("Told")

OWN = "own_variables.npz"

LARGE = 1 << 20
"""From how many bytes on a variable is known again by TensorFlow's fingerprint.

It reads 12 GB/s where SHA-256 reads 1.8, and every loader of every format reads all variables;
for less, the operation costs more than it saves.
"""


def complete(model: keras.Model) -> None:
    """Build the optimizer, so that its variables exist before anything is read or written.

    Keras wraps the optimizer of a mixed_float16 model for loss scaling and forgets it in the
    training configuration; there the one that the model really has is put.
    """
    if not model.compiled or model.optimizer is None:
        return
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    config = getattr(model, "_compile_config", None)
    if config is not None and isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
        config.config["optimizer"] = model.optimizer


def model_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the weights and the seed generators' states in Keras' own order, without metrics."""
    return list(model.variables)


def reset(model: keras.Model) -> None:
    """Put stateful layers into their first state."""
    for layer in model._flatten_layers():
        if getattr(layer, "stateful", False) and hasattr(layer, "reset_state"):
            layer.reset_state()


def trained_otherwise(model: keras.Model) -> str:
    """Say how the optimizer's variables differ from what the model would train now, if they do."""
    optimizer = model.optimizer if model.compiled else None
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if optimizer is None or not optimizer.built:
        return ""
    known = [id(v) for v in optimizer._trainable_variables]
    if known == [id(v) for v in model.trainable_variables]:
        return ""
    return (
        f"the optimizer trains {len(known)} variables, the model has "
        f"{len(model.trainable_variables)} trainable ones"
    )


def seed_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the states of the seed generators, in the order of `model_variables`."""
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def assign(variables: list[keras.Variable], values: Sequence[Any]) -> None:
    """Give variables their values, in order; raises ValueError when their numbers differ."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def fitting(made: Record, model: keras.Model | None) -> keras.Model:
    """Return the model that weights are to go into; its variables must be those of the record.

    Raises:
        Refusal: when there is no model, or the first variable that differs.
    """
    where = f"{made.model_name}/{made.format}/{made.version}"
    if model is None:
        message = f"{made.format} holds weights alone: name the model that they go into"
        hint = "artifactbuild.load(path, weights_into=model)"
        raise Refusal(Problem(file=where, message=message, hint=hint))
    expected = [variable for variable in made.variables if variable.role == "weight"]
    found = list(model.weights)
    if len(expected) != len(found):
        message = f"the model has {len(found)} weights, the artifact {len(expected)}"
        raise Refusal(Problem(file=where, message=message, hint="make the same architecture"))
    for variable, weight in zip(expected, found, strict=True):
        here = (tuple(weight.shape), keras.backend.standardize_dtype(weight.dtype))
        if here != (variable.shape, variable.dtype):
            message = (
                f"weight {weight.path!r} is {here[1]}{list(here[0])}, "
                f"the artifact's {variable.path!r} is {variable.dtype}{list(variable.shape)}"
            )
            raise Refusal(Problem(file=where, message=message, hint="make the same architecture"))
    return model


def optimizer_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the optimizer's variables in its own order: none if the model is not compiled."""
    if not model.compiled or model.optimizer is None:
        return []
    return list(model.optimizer.variables)


def save_side(model: keras.Model, folder: Path) -> None:
    """Write what layers keep outside their variables, such as vocabularies.

    A layer's files lie in a folder named by its place among all layers, nested ones included.
    """
    for index, layer in enumerate(model._flatten_layers()):
        place = folder / f"{index:04}"
        if keeps_more(layer):
            place.mkdir(parents=True)
            store: dict[str, Any] = {}
            layer.save_own_variables(store)
            npz.write(place / OWN, dict(sorted(store.items())))
        if hasattr(layer, "save_assets"):
            place.mkdir(parents=True, exist_ok=True)
            layer.save_assets(str(place))


def has_side(model: keras.Model) -> bool:
    """Tell whether a layer keeps something that the variables do not hold or that follows them."""
    kept = ("save_assets", "finalize_state")
    return any(
        any(hasattr(layer, name) for name in kept) or keeps_more(layer)
        for layer in model._flatten_layers()
    )


def load_side(model: keras.Model, folder: Path) -> None:
    """Read what `save_side` wrote."""
    layers = list(enumerate(model._flatten_layers()))
    for index, layer in layers:
        place = folder / f"{index:04}"
        if keeps_more(layer):
            with np.load(place / OWN, allow_pickle=False) as store:
                layer.load_own_variables({name: store[name] for name in store.files})
    for index, layer in layers:
        if hasattr(layer, "load_assets"):
            layer.load_assets(str(folder / f"{index:04}"))


def finalize(model: keras.Model) -> None:
    """Let Normalization layers work out what follows from their variables."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def keeps_more(layer: keras.layers.Layer) -> bool:
    """Tell whether a layer saves more than its variables: a class of the user's own, or tf-idf."""
    saves = type(layer).save_own_variables
    own = not str(getattr(saves, "__module__", "")).startswith("keras.")
    return own or (
        getattr(layer, "output_mode", None) == "tf_idf" and hasattr(layer, "save_assets")
    )


def listed(model: keras.Model) -> tuple[Variable, ...]:
    """Return every variable as the record keeps it, without histogram, in the one order."""
    return _each(model, lambda role, v: Variable(**_plain(role, v), sha256=_sha256(v)))


def seen(model: keras.Model) -> tuple[Seen, ...]:
    """Return every variable as it is known again within one build, in the one order."""
    return _each(model, lambda role, v: Seen(**_plain(role, v), mark=_mark(v)))


def training_config(model: keras.Model) -> Any:
    """Return what the model was compiled with, as plain data; None if it was not."""
    return model.get_compile_config() or None if model.compiled else None


def numbers(variable: keras.Variable) -> Any:
    """Return a variable's array: TensorFlow's own memory, where that can be had without a copy."""
    return np.asarray(variable.value.read_value())


def _each(model: keras.Model, told: Callable[[str, keras.Variable], Told]) -> tuple[Told, ...]:
    weights = {id(variable) for variable in model.weights}
    own, optimizer = model_variables(model), optimizer_variables(model)
    roles = ["weight" if id(v) in weights else "seed" for v in own] + ["optimizer"] * len(optimizer)
    with ThreadPoolExecutor(THREADS) as pool:
        return tuple(pool.map(told, roles, [*own, *optimizer]))


def _plain(role: str, variable: keras.Variable) -> dict[str, Any]:
    dtype = keras.backend.standardize_dtype(variable.dtype)
    return {"role": role, "path": variable.path, "shape": tuple(variable.shape), "dtype": dtype}


def _sha256(variable: keras.Variable) -> str:
    array = np.ascontiguousarray(numbers(variable))
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(little.reshape(-1).view("uint8").data).hexdigest()


def _mark(variable: keras.Variable) -> str:
    """Return what equal bytes have in common; others with a chance of one in 2^64.

    https://www.tensorflow.org/api_docs/python/tf/fingerprint
    """
    value = variable.value.read_value()
    size = math.prod(value.shape)
    if size * value.dtype.size < LARGE:
        return _sha256(variable)
    return str(tf.fingerprint(tf.reshape(value, [1, size])).numpy().tobytes().hex())
