"""What a model is built of: its layers, what feeds them, and digests that tell them apart."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from artifactbuild.release import digest
from artifactbuild.release.record import Architecture, Layer, Variable
from artifactbuild.worker import configs

Places = Mapping[int, int]
"""The id of a variable -> its place in the record's list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The model's variables: where each stands, and what the record says of it."""

    places: Places
    variables: tuple[Variable, ...]


def describe(model: keras.Model, variables: tuple[Variable, ...]) -> Architecture:
    """Return a model's architecture; `variables` are those of the record, in its order."""
    places = {id(variable): place for place, variable in enumerate(model.variables)}
    whole = _layer(model, _Known(places=places, variables=variables), None)
    return Architecture(
        kind=_kind(model),
        precision=precision(model),
        stateful=is_stateful(model),
        layers=whole.layers,
        outputs=_outputs(model),
        parameters=whole.parameters,
        trainable_parameters=_count(model.trainable_weights),
        config_sha256=whole.config_sha256,
        weights_sha256=whole.weights_sha256,
    )


def is_stateful(model: keras.Model) -> bool:
    """Tell whether a layer says that its answers change what it answers next."""
    return any(getattr(layer, "stateful", False) for layer in model._flatten_layers())


def precision(model: keras.Model) -> str:
    """Return the coarsest float dtype that a layer computes in."""
    dtypes = {str(layer.compute_dtype) for layer in model._flatten_layers()}
    return next((name for name in ("bfloat16", "float16") if name in dtypes), "float32")


def _kind(model: keras.Model) -> str:
    if isinstance(model, keras.Sequential):
        return "sequential"
    functional = keras.src.models.functional.Functional
    return "functional" if isinstance(model, functional) else "subclassed"


def _layer(operation: keras.Operation, known: _Known, within: Any) -> Layer:
    """Describe an operation; `within` is the model or layer that it is part of, if any."""
    weights = list(getattr(operation, "weights", ()))
    places = tuple(known.places[id(each)] for each in weights if id(each) in known.places)
    nodes = _nodes(operation, within)
    inner = tuple(_layer(each, known, operation) for each in _inside(operation))
    config = {**_own_config(operation), **configs.calls(nodes)}
    return Layer(
        name=operation.name,
        kind=type(operation).__name__,
        output_shape=_output_shape(operation),
        parameters=_count(weights),
        inputs=_inputs(operation, within, nodes),
        config=configs.shown(config),
        config_sha256=_config_digest(operation, config, inner),
        variables=places,
        weights_sha256=_weights_digest(operation, [known.variables[p] for p in places]),
        layers=inner,
    )


def _inside(operation: keras.Operation) -> Sequence[keras.Operation]:
    """Return what a nested model is made of, or a layer of the user's own."""
    if _is_graph(operation):
        return list(operation.operations)
    if isinstance(operation, keras.Model):
        return list(operation.layers)
    own = not type(operation).__module__.startswith("keras.")
    if own and isinstance(operation, keras.layers.Layer):
        return list(operation._flatten_layers(include_self=False, recursive=False))
    return ()


def _is_graph(operation: Any) -> bool:
    return isinstance(operation, keras.Model) and _kind(operation) == "functional"


def _own_config(operation: keras.Operation) -> dict[str, Any]:
    """Return the configuration; that of a graph or a sequence is its layers'."""
    if isinstance(operation, keras.Model) and _kind(operation) != "subclassed":
        return {}
    return configs.chosen(operation)


def _nodes(operation: keras.Operation, within: Any) -> list[Any]:
    """Return the calls of an operation in the functional graph `within`, in their order."""
    if within is None or not _is_graph(within):
        return []
    own = {id(node) for nodes in within._nodes_by_depth.values() for node in nodes}
    return [node for node in operation._inbound_nodes if id(node) in own]


def _inputs(operation: keras.Operation, within: Any, nodes: list[Any]) -> tuple[str, ...]:
    if isinstance(within, keras.Sequential):
        names = [layer.name for layer in within.layers]
        before = names.index(operation.name) - 1
        return (names[before],) if before >= 0 else ()
    tensors = [tensor for node in nodes for tensor in node.input_tensors]
    return tuple(tensor._keras_history.operation.name for tensor in tensors)


def _outputs(model: keras.Model) -> tuple[str, ...]:
    if isinstance(model, keras.Sequential):
        return tuple(layer.name for layer in model.layers[-1:])
    if not _is_graph(model):
        return ()
    return tuple(tensor._keras_history.operation.name for tensor in model.outputs)


def _output_shape(operation: keras.Operation) -> str:
    try:
        tensors = keras.tree.flatten(operation.output)
    except (AttributeError, ValueError):
        return ""
    return ", ".join(str(tuple(tensor.shape)) for tensor in tensors)


def _config_digest(
    operation: keras.Operation, config: Mapping[str, Any], inner: tuple[Layer, ...]
) -> str:
    """Return the digest of class, configuration, inner layers and how these are wired."""
    wiring = _wiring(operation) if _is_graph(operation) else []
    digests = [layer.config_sha256 for layer in inner]
    kind = keras.saving.get_registered_name(type(operation))
    return digest.of_data([kind, config, digests, wiring])


def _wiring(model: keras.Model) -> list[Any]:
    """Return what each call in a graph takes, and what the graph gives, without a name."""
    index = {id(operation): place for place, operation in enumerate(model.operations)}

    def source(tensor: Any) -> list[int]:
        operation, node, position = tensor._keras_history
        calls = _nodes(operation, model)
        return [index[id(operation)], calls.index(operation._inbound_nodes[node]), position]

    taken = [
        [[source(tensor) for tensor in node.input_tensors] for node in _nodes(operation, model)]
        for operation in model.operations
    ]
    return [taken, [source(tensor) for tensor in model.outputs]]


def _weights_digest(operation: keras.Operation, variables: list[Variable]) -> str:
    """Return the digest of weights in their order, and of a vocabulary; empty without either."""
    parts: list[Any] = [[v.dtype, v.shape, v.sha256] for v in variables]
    vocabulary = _vocabulary(operation)
    if vocabulary:
        parts.append(vocabulary)
    return digest.of_data(parts) if parts else ""


def _vocabulary(operation: keras.Operation) -> dict[str, str]:
    """Return the digests of what one of Keras' lookup layers keeps beside its variables."""
    saves = getattr(type(operation), "save_assets", None)
    if not str(getattr(saves, "__module__", "")).startswith("keras."):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        operation.save_assets(folder)
        return digest.of_folder(Path(folder))


def _count(weights: Sequence[Any]) -> int:
    """Return how many numbers the weights hold, a shared one once."""
    return sum(_size(each) for each in {id(each): each for each in weights}.values())


def _size(variable: keras.Variable) -> int:
    size = 1
    for dimension in variable.shape:
        size *= dimension
    return size
