"""Building blocks: what Keras finds by itself under a name, and whether a model may be made of it.

Keras takes whatever its own modules hold, functions that download or write files among them. So
the kinds of objects that models consist of are listed here, and nothing else of Keras may be named.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import keras
from keras.src import api_export

BLOCKS = (
    keras.Operation,  # layers and models too
    keras.Loss,
    keras.Metric,
    keras.Optimizer,
    keras.Initializer,
    keras.Regularizer,
    keras.constraints.Constraint,
    keras.optimizers.schedules.LearningRateSchedule,
    keras.DTypePolicy,
    keras.dtype_policies.DTypePolicyMap,
    keras.Quantizer,
    getattr(keras.quantizers, "QuantizationConfig", keras.Quantizer),  # not in Keras 3.12
)
FUNCTIONS = (
    "activations",
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "ops",
    "regularizers",
)
"""Modules of Keras whose functions compute and do nothing else."""

LOOKED_UP = (*FUNCTIONS, "optimizers")
"""Modules in which Keras looks up a function that says it is of `builtins`."""

READ_NAMES = frozenset({"deserialize", "get", "serialize"})
"""Functions in these modules that make objects of what they are given."""

LOADS_PROGRAMS = frozenset({"FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"})

IMPORTED = frozenset({"keras", "keras_cv", "keras_hub", "keras_nlp"})
"""Packages that Keras imports modules of, to find what a configuration names in them."""

PLATFORM = frozenset({"absl", "google", "h5py", "jax", "numpy", "scipy", "tensorflow", "tf_keras"})
"""Packages that are installed wherever a model is loaded, and declare no custom objects."""


def package(module: Any) -> str:
    """Return the package that a module is of, in text; empty for what is no module's name."""
    return module.split(".")[0] if isinstance(module, str) else ""


def is_platform(module: Any) -> bool:
    """Tell whether a module is Python's own or one that every model is loaded with."""
    return package(module) in PLATFORM | sys.stdlib_module_names


def own_function(module: Any, name: str) -> Any:
    """Return what Keras itself would take for a function of that name; None for nothing."""
    if module == "builtins":
        places = [f"keras.{each}" for each in LOOKED_UP]
    else:
        places = [module] if package(module) == "keras" else []
    found = (api_export.get_symbol_from_name(f"{place}.{name}") for place in places)
    return next((each for each in found if each is not None), None)


def is_function(module: Any, name: str) -> bool:
    """Tell whether Keras has a function under that name which computes and does nothing else."""
    homes = [f"keras.{each}" for each in FUNCTIONS]
    if name in READ_NAMES or not (module == "builtins" or module in homes):
        return False
    return callable(own_function(module, name))


def own_class(module: Any, name: str) -> Any:
    """Return the class that Keras would take, out of modules that are imported already."""
    if module is None:
        return _LEGACY.get(name)
    if package(module) != "keras":
        return None
    found = api_export.get_symbol_from_name(f"{module}.{name}")
    return found if found is not None else vars(sys.modules.get(module, object)).get(name)


def is_block(found: Any) -> bool:
    """Tell whether a class is one that models are made of."""
    return isinstance(found, type) and issubclass(found, BLOCKS)


def loads_a_program(found: Any) -> bool:
    """Tell whether a class is a layer of Keras that opens a model of its own."""
    names = {each.__name__ for each in getattr(found, "__mro__", ())}
    return not names.isdisjoint(LOADS_PROGRAMS)


def _legacy() -> Mapping[str, Any]:
    """Return the names that the legacy HDF5 format gives without a module."""
    homes = (keras, keras.layers, keras.models, keras.optimizers, keras.losses, keras.metrics)
    classes = [c for home in homes for c in vars(home).items() if isinstance(c[1], type)]
    functional = keras.src.models.functional.Functional
    return {**dict(classes), **{c.__name__: c for _, c in classes}, "Functional": functional}


_LEGACY = _legacy()
