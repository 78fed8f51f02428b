"""Models that are made to be filled: what would be drawn for nothing is not drawn.

Keras gives each weight of a model that it loads a random value and then the stored one: of 500 MB
of Dense layers the drawing is two thirds of the loading.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import Any

import keras
import tensorflow as tf

Zeros = Callable[[Any, Any], Any]
"""From a shape and a dtype to a tensor; the same one for the same ones."""


def undrawn(make: Callable[[], keras.Model]) -> keras.Model:
    """Make a model whose variables that start at random start at zero instead.

    Those alone that Keras' own initializers would draw without a seed: nobody can rely on a value
    that is another one each time. All else starts as always, since layers may read it while they
    are built. A layer that cannot be built of zeros, as one that inverts its matrix, has its model
    made as always. Variables of one shape share their zeros, until they are given values.
    https://www.tensorflow.org/api_docs/python/tf/variable_creator_scope

    Raises:
        Exception: whatever `make` raises when everything is drawn.
    """
    with suppress(Exception), tf.variable_creator_scope(partial(_create, cache(tf.zeros))):
        return make()
    return make()


def _create(zeros: Zeros, creator: Callable[..., Any], **given: Any) -> Any:
    start, dtype = given.get("initial_value"), given.get("dtype")
    if tf.executing_eagerly() and inspect.isfunction(start):  # tensors of a graph are not shared
        found = inspect.getclosurevars(start).nonlocals
        initializer, variable = found.get("initializer"), found.get("self")
        if isinstance(variable, keras.Variable) and _draws_unseeded(initializer):
            given["initial_value"] = partial(zeros, tuple(variable.shape), dtype)
    return creator(**given)


def _draws_unseeded(initializer: Any) -> bool:
    return (
        isinstance(initializer, keras.Initializer)
        and type(initializer).__module__.startswith("keras.")
        and initializer.get_config().get("seed", 0) is None
    )
