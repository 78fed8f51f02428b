"""Concrete functions of a model: inputs by the manifest's names, outputs by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from artifactbuild.manifest.model import Manifest
from artifactbuild.worker import source
from artifactbuild.worker.signature import Signature, name_outputs


def serving(model: keras.Model, signature: Signature, known: tuple[str, ...]) -> Any:
    """Return the concrete serving function: inputs by the manifest's names, outputs by name."""

    def function(**named: Any) -> dict[str, Any]:
        return name_outputs(model(signature.arrange(named), training=False), known)

    return _concrete(function, signature)


def signatures(
    model: keras.Model, manifest: Manifest, signature: Signature, project: Path
) -> dict[str, Any]:
    """Return the further signatures, each a function of the model and the inputs by name."""
    return {
        name: _concrete(_bound(source.function(target, name, project), model), signature)
        for name, target in manifest.signatures
    }


def _bound(function: Any, model: keras.Model) -> Any:
    def bound(**named: Any) -> dict[str, Any]:
        return name_outputs(function(model, named))

    return bound


def _concrete(function: Any, signature: Signature) -> Any:
    specs = {t.name: tf.TensorSpec(t.shape, t.dtype, name=t.name) for t in signature.inputs}
    return tf.function(function, autograph=False).get_concrete_function(**specs)
