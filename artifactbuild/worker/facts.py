"""What a model really is: its interface, its layers, its state, told as plain data."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import keras

from artifactbuild.manifest.model import Tensor
from artifactbuild.release.record import CustomObject, Facts, Variable
from artifactbuild.worker import architecture, claims, histograms, state
from artifactbuild.worker.settings import THREADS
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
        variables=_with_histograms(model, variables),
    )


def _with_histograms(model: keras.Model, listed: tuple[Variable, ...]) -> tuple[Variable, ...]:
    """Return the variables, each weight with the histogram of its numbers.

    Two are counted at once: no validator runs yet that would want the other processor.
    """
    held = [*state.model_variables(model), *state.optimizer_variables(model)]

    def told(each: Variable, variable: keras.Variable) -> Variable:
        if each.role != "weight":
            return each
        return replace(each, histogram=histograms.of_variable(variable))

    assert len(listed) == len(held)
    with ThreadPoolExecutor(THREADS) as pool:
        return tuple(pool.map(told, listed, held))


def _shape(spec: Any) -> tuple[int | None, ...]:
    return tuple(spec.shape.as_list()) if spec.shape.rank is not None else ()
