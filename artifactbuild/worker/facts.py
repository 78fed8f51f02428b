"""What a model really is: its interface, its layers, its state, told as plain data."""

from __future__ import annotations

from typing import Any

import keras

from artifactbuild.manifest.model import Tensor
from artifactbuild.release.record import Architecture, CustomObject, Facts, Layer
from artifactbuild.worker import claims, state
from artifactbuild.worker.signature import Signature


def describe(
    model: keras.Model,
    signature: Signature,
    serving: Any,
    custom: tuple[CustomObject, ...],
    bytecode: tuple[str, ...],
) -> Facts:
    """Return the facts of a model; `serving` is its traced function, for the outputs."""
    config = state.training_config(model) or {}
    outputs = tuple(
        Tensor(name=name, shape=_shape(spec), dtype=spec.dtype.name)
        for name, spec in serving.structured_outputs.items()
    )
    return Facts(
        inputs=signature.inputs,
        outputs=outputs,
        structure=signature.structure,
        architecture=Architecture(
            kind=_kind(model),
            precision=precision(model),
            stateful=is_stateful(model),
            layers=tuple(_layer(layer) for layer in model.layers),
            parameters=model.count_params(),
            trainable_parameters=sum(_size(w) for w in model.trainable_weights),
        ),
        optimizer=type(model.optimizer).__name__ if model.compiled else None,
        loss=claims.summary(config.get("loss")),
        metrics=claims.summary(config.get("metrics")),
        custom_objects=custom,
        lambdas=bytecode,
        vocabularies=tuple(
            layer.name for layer in model._flatten_layers() if hasattr(layer, "save_assets")
        ),
        variables=state.listed(model),
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


def _layer(layer: keras.layers.Layer) -> Layer:
    try:
        shape = str(tuple(layer.output.shape))
    except AttributeError:
        shape = ""
    return Layer(
        name=layer.name,
        kind=type(layer).__name__,
        output_shape=shape,
        parameters=layer.count_params(),
    )


def _shape(spec: Any) -> tuple[int | None, ...]:
    return tuple(spec.shape.as_list()) if spec.shape.rank is not None else ()


def _size(variable: keras.Variable) -> int:
    size = 1
    for dimension in variable.shape:
        size *= dimension
    return size
