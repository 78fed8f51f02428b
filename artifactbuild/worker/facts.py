"""What a model really is: its interface, its layers, its state, told as plain data."""

from __future__ import annotations

from typing import Any

import keras

from artifactbuild.manifest.model import Tensor
from artifactbuild.release.record import CustomObject, Facts
from artifactbuild.worker import architecture, claims, state
from artifactbuild.worker.signature import Signature


def describe(
    model: keras.Model,
    signature: Signature,
    serving: Any,
    custom: tuple[CustomObject, ...],
    bytecode: tuple[str, ...],
) -> Facts:
    """Return the facts of a model; `serving` is its traced function, for the outputs."""
    config, variables = state.training_config(model) or {}, state.listed(model)
    outputs = tuple(
        Tensor(name=name, shape=_shape(spec), dtype=spec.dtype.name)
        for name, spec in serving.structured_outputs.items()
    )
    return Facts(
        inputs=signature.inputs,
        outputs=outputs,
        structure=signature.structure,
        architecture=architecture.describe(model, variables),
        optimizer=type(model.optimizer).__name__ if model.compiled else None,
        loss=claims.summary(config.get("loss")),
        metrics=claims.summary(config.get("metrics")),
        custom_objects=custom,
        lambdas=bytecode,
        vocabularies=tuple(
            layer.name for layer in model._flatten_layers() if hasattr(layer, "save_assets")
        ),
        variables=variables,
    )


def _shape(spec: Any) -> tuple[int | None, ...]:
    return tuple(spec.shape.as_list()) if spec.shape.rank is not None else ()
