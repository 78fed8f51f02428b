"""Keras configurations: every class and function that they name, held against what may be named.

Keras looks a name up among the registered objects, then in its own modules, and calls what it
finds. So a name must be that of a building block of models, or one of the declared custom objects,
which whoever loads the model brings.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
from keras.src import api_export

from artifactbuild.data import Mismatch, loads
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Record

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

PLAIN = frozenset(
    {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__"}
)
"""Words that Keras itself writes for values."""

LOADS_PROGRAMS = frozenset({"FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"})
FILES = ("filepath", "idf_weights", "vocabulary")
"""Arguments in which Keras takes the path of a file; lists of values are what may stand there."""

MAX_DEPTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a configuration may name beside Keras' own: declared objects, and lambdas if allowed."""

    declared: frozenset[str]
    lambdas: bool


def names(made: Record, *, lambdas: bool) -> Names:
    """Return the names of a record's custom objects, in both spellings."""
    spelt = {item.name for item in made.custom_objects}
    return Names(declared=frozenset(spelt | {n.split(">")[-1] for n in spelt}), lambdas=lambdas)


def inspect(raw: bytes, file: str, inside: str, names: Names) -> Iterator[Fault]:
    """Find what a configuration in JSON must not hold."""
    try:
        config = loads(raw, depth=MAX_DEPTH, finite=False)
    except Mismatch as mismatch:
        message = f"is no configuration: {mismatch}"
        yield Fault(kind="unreadable", file=file, at=inside, message=message)
        return
    for at, kind, message in _walk(config, names):
        place = f"{inside}:{at}" if inside else at
        yield Fault(kind=kind, file=file, at=place, message=message, hint=_HINTS.get(kind, ""))


_HINTS = {
    "keras-object": "declare it under `custom_objects:` of the manifest, if it is the model's own",
    "lambda": "only a manifest that says `allow_lambda: true` lets it through",
}

Found = tuple[str, str, str]


def _walk(config: Any, names: Names) -> Iterator[Found]:
    """Yield place, kind and message of what is wrong, without recursion."""
    pending: list[tuple[str, Any]] = [("$", config)]
    while pending:
        at, value = pending.pop()
        if isinstance(value, dict):
            yield from _mapping(at, value, names)
            pending += [(f"{at}.{key}", item) for key, item in reversed(value.items())]
        elif isinstance(value, list):
            pending += [(f"{at}[{index}]", item) for index, item in reversed([*enumerate(value)])]


def _mapping(at: str, value: Mapping[str, Any], names: Names) -> Iterator[Found]:
    for key in FILES:
        if isinstance(value.get(key), str):
            yield f"{at}.{key}", "config-path", f"is the path of a file, {value[key]!r}"
    if "class_name" not in value:
        return
    name = value["class_name"]
    if not isinstance(name, str):
        yield at, "keras-object", f"class_name is {name!r}, expected a name"
    elif name == "__lambda__" or _is_bytecode(value):
        if not names.lambdas:
            yield at, "lambda", "is Python bytecode, which runs when the model is loaded or called"
    elif name not in PLAIN and not _is_declared(value, names):
        yield from _own(at, value)


def _own(at: str, value: Mapping[str, Any]) -> Iterator[Found]:
    """Hold a name that is not declared against Keras' own."""
    name, module = value["class_name"], value.get("module")
    if name == "function":
        function = value.get("config")
        if not _is_function(module, function):
            yield at, "keras-object", f"names the function {_full(module, function)}, {_NEITHER}"
        return
    if name in LOADS_PROGRAMS:
        yield at, "keras-object", f"names {name}, which loads another program"
        return
    found = _class(module, name)
    if not (isinstance(found, type) and issubclass(found, BLOCKS)):
        yield at, "keras-object", f"names the class {_full(module, name)}, {_NEITHER}"


_NEITHER = "neither a building block of Keras nor a declared custom object"


def _is_bytecode(value: Mapping[str, Any]) -> bool:
    """Tell whether a Lambda layer's function is anything but a reference by name."""
    if value["class_name"] != "Lambda":
        return False
    config = value.get("config")
    function = config.get("function") if isinstance(config, dict) else None
    return not (isinstance(function, dict) and function.get("class_name") == "function")


def _is_declared(value: Mapping[str, Any], names: Names) -> bool:
    """Tell whether the name is one of the model's own, as Keras looks it up."""
    if value["class_name"] == "function":
        spelt = value.get("config")
    else:
        spelt = value.get("registered_name") or value["class_name"]
    return isinstance(spelt, str) and spelt in names.declared


def _is_function(module: Any, name: Any) -> bool:
    if not isinstance(name, str) or not isinstance(module, str):
        return False
    homes = [f"keras.{each}" for each in FUNCTIONS]
    places = homes if module == "builtins" else [module] if module in homes else []
    return any(callable(api_export.get_symbol_from_name(f"{place}.{name}")) for place in places)


def _class(module: Any, name: str) -> Any:
    """Return the class that Keras would take, out of modules that are imported already."""
    if module is None:
        return _LEGACY.get(name)
    if not isinstance(module, str) or not (module == "keras" or module.startswith("keras.")):
        return None
    found = api_export.get_symbol_from_name(f"{module}.{name}")
    return found if found is not None else vars(sys.modules.get(module, object)).get(name)


def _legacy() -> Mapping[str, Any]:
    """Return the names that the legacy HDF5 format gives without a module."""
    homes = (keras, keras.layers, keras.models, keras.optimizers, keras.losses, keras.metrics)
    classes = [c for home in homes for c in vars(home).items() if isinstance(c[1], type)]
    functional = keras.src.models.functional.Functional
    return {**dict(classes), **{c.__name__: c for _, c in classes}, "Functional": functional}


_LEGACY = _legacy()


def _full(module: Any, name: Any) -> str:
    return repr(f"{module}.{name}" if module is not None else str(name))
