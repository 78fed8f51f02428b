"""Metrics on examples with known answers, by plain NumPy, the same for every loader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from artifactbuild.manifest.model import Evaluation, Tensor
from artifactbuild.release.record import Measure
from artifactbuild.worker.reference import Arrays

TARGETS = "targets"
BATCH = 32
"""Rows per call: a payload is measured on batches as its users send them."""


def measure(
    loader: str,
    evaluation: Evaluation,
    answer: Callable[[Arrays], Arrays],
    outputs: tuple[Tensor, ...],
) -> tuple[Measure, ...]:
    """Return each metric of the first output on the examples of the file.

    `accuracy` compares the position of the largest value in the last axis with class targets
    (rows,); `mae` and `mse` compare values with targets of the output's shape.
    """
    with np.load(evaluation.file, allow_pickle=False) as arrays:
        inputs = {name: arrays[name] for name in arrays.files if name != TARGETS}
        targets = arrays[TARGETS]
    output = outputs[0]
    found = _answers(inputs, len(targets), answer, output)
    return tuple(
        Measure(
            loader=loader,
            metric=metric,
            output=output.name,
            value=METRICS[metric](found, targets),
            model=METRICS[metric](found, targets),
            examples=len(targets),
        )
        for metric in evaluation.metrics
    )


def _answers(
    inputs: Arrays, rows: int, answer: Callable[[Arrays], Arrays], output: Tensor
) -> np.ndarray[Any, Any]:
    batch = (output.shape[0] if output.shape else None) or BATCH
    parts = [
        answer({name: array[start : start + batch] for name, array in inputs.items()})
        for start in range(0, rows, batch)
    ]
    return np.concatenate([part[output.name] for part in parts])


def _accuracy(found: Any, targets: Any) -> float:
    return float(np.mean(found.argmax(axis=-1) == np.reshape(targets, len(found))))


def _mae(found: Any, targets: Any) -> float:
    return float(np.mean(np.abs(found.astype("float64") - targets)))


def _mse(found: Any, targets: Any) -> float:
    return float(np.mean(np.square(found.astype("float64") - targets)))


METRICS: dict[str, Callable[[Any, Any], float]] = {
    "accuracy": _accuracy,
    "mae": _mae,
    "mse": _mse,
}
