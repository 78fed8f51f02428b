"""Going on with training: the same steps from the original and from what was reloaded.

Whoever takes the steps has only the model and the reference, so that both sides take the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from artifactbuild.worker import state
from artifactbuild.worker.messages import Seen
from artifactbuild.worker.reference import Case
from artifactbuild.worker.signature import arranged


def steps(
    model: keras.Model, cases: Sequence[Case], structure: Any, count: int
) -> tuple[Seen, ...]:
    """Take training steps on the reference inputs and return the state that they lead to.

    The targets are made of the model's own answers, so that no labels are needed: other rows'
    values, or their classes for a loss on classes. The steps are taken eagerly: to trace a training
    function costs several times what a few of its steps do.
    """
    model.run_eagerly, model.train_function = True, None
    ordered = sorted(cases, key=lambda case: case.name)
    for index in range(count):
        inputs = arranged(structure, ordered[index % len(ordered)].inputs)
        model.train_on_batch(inputs, _targets(model, inputs))
    return state.seen(model)


def _targets(model: keras.Model, inputs: Any) -> Any:
    outputs = keras.tree.map_structure(keras.ops.convert_to_numpy, model(inputs, training=False))
    losses = (model.get_compile_config() or {}).get("loss")
    if isinstance(outputs, dict):
        return {key: _target(value, _of(losses, key)) for key, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        named = zip(getattr(model, "output_names", None) or range(len(outputs)), strict=False)
        keys = [name for (name,) in named]
        return [
            _target(value, losses[i] if isinstance(losses, list) else _of(losses, keys[i]))
            for i, value in enumerate(outputs)
        ]
    return _target(outputs, losses)


def _of(losses: Any, key: Any) -> Any:
    """Return the loss of one output; a loss that is itself a serialized object serves all."""
    if isinstance(losses, Mapping) and "class_name" not in losses:
        return losses.get(key)
    return losses


def _target(output: Any, loss: Any) -> Any:
    """Return targets that differ from the outputs: another row's, drawn towards the middle."""
    shifted = np.roll(output, 1, axis=0 if output.shape[0] > 1 else -1)
    if "sparse" in str(loss).lower():
        return np.argmax(shifted, axis=-1)
    return (shifted * 0.5 + 0.25).astype(output.dtype)
