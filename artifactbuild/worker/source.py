"""The factory and its weights, turned into the Keras model that the manifest speaks of."""

from __future__ import annotations

import importlib
import re
import warnings
from pathlib import Path
from typing import Any

import keras

from artifactbuild.manifest.model import Manifest, Target
from artifactbuild.worker import state
from artifactbuild.worker.blame import Stopped, blamed
from artifactbuild.worker.messages import Finding

_SKIPPED = re.compile(r"whereas the saved optimizer has (\d+) variables")
TRACEBACK = "the whole traceback is in build.log"

_NEVER_TRAINED = 2
"""Variables of an optimizer that was never built: iterations and learning rate."""


def custom_objects(manifest: Manifest, project: Path) -> tuple[Any, ...]:
    """Import the declared custom objects, in the manifest's order."""
    return tuple(
        _imported(target, ("custom_objects", index), project)
        for index, target in enumerate(manifest.custom_objects)
    )


def function(target: Target, signature: str, project: Path) -> Any:
    """Import the function of a further signature."""
    return _imported(target, ("signatures", signature), project)


def make(manifest: Manifest, project: Path) -> keras.Model:
    """Call the factory and return its model.

    Raises:
        Stopped: when the factory cannot be imported, raises, or returns something else.
    """
    factory = _imported(manifest.factory, ("factory",), project)
    with blamed(("factory",), f"the factory {str(manifest.factory)!r}", project, TRACEBACK):
        model = factory(**manifest.kwargs)
    if not isinstance(model, keras.Model):
        raise Stopped(
            Finding(
                path=("factory",),
                message=f"the factory {str(manifest.factory)!r} returned "
                f"{type(model).__module__}.{type(model).__qualname__}, expected a keras.Model",
                hint="return the model itself from the factory",
            )
        )
    return model


def load_weights(model: keras.Model, manifest: Manifest, folder: Path, project: Path) -> None:
    """Load `weights:` into the model, its optimizer's state included.

    Keras drops an optimizer's state with no more than a warning; here that is an error, unless
    the saved optimizer had none.
    """
    if manifest.weights is None:
        return
    state.complete(model)
    path = manifest.weights.path
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        hint = "these weights are of another architecture: train it again, or name its weights"
        with blamed(("weights", "path"), f"loading {path!r}", project, hint):
            model.load_weights(folder / path)
    for warning in caught:
        skipped = _SKIPPED.search(str(warning.message))
        if skipped and int(skipped[1]) > _NEVER_TRAINED:
            raise Stopped(
                Finding(
                    path=("weights", "path"),
                    message=f"{path!r} holds an optimizer of {skipped[1]} variables that does not "
                    f"fit the model's: {len(state.optimizer_variables(model))}",
                    hint="compile with the optimizer that the weights were trained with",
                )
            )


def _imported(target: Target, path: tuple[Any, ...], project: Path) -> Any:
    with blamed(path, f"importing {target.module!r}", project, TRACEBACK):
        module = importlib.import_module(target.module)
    found: Any = module
    for name in target.attribute.split("."):
        if not hasattr(found, name):
            message = f"{target.module!r} has no attribute {target.attribute!r}"
            raise Stopped(Finding(path=path, message=message))
        found = getattr(found, name)
    return found
