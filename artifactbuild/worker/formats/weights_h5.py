"""`model.weights.h5`: what Keras' `save_weights` writes, for `load_weights` and its users.

The optimizer's state is in it only on request, and then the seed generators' too, which Keras
leaves out. https://keras.io/api/models/model_saving_apis/weights_saving_and_loading/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras

from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Loader, Record
from artifactbuild.worker import claims, state
from artifactbuild.worker.formats import snippets
from artifactbuild.worker.formats.protocol import Load, Loading, Subject, Trusted
from artifactbuild.worker.inspection import hdf5

FILE = "model.weights.h5"
OPTIMIZER = "optimizer"
SEEDS = "seed_generators"
ALL = ("weight", "seed", "optimizer")
PAYLOAD = re.compile(r"model\.weights\.h5")


def refusal(subject: Subject, options: Mapping[str, Any]) -> str:
    """Refuse where there is nothing to keep."""
    if not subject.model.weights:
        return "the model has no weights"
    if options["optimizer"] and not subject.model.compiled:
        return "weights_h5 with `optimizer: true` needs a compiled model, and this one is not"
    return claims.retrained(subject.model) if options["optimizer"] else ""


def write(subject: Subject, options: Mapping[str, Any], folder: Path) -> None:
    """Let Keras write, and copy what was asked for, so that nothing is left of the rest."""
    whole = folder / f"whole.{FILE}"
    subject.model.save_weights(whole)
    with h5py.File(whole) as source, h5py.File(folder / FILE, "w") as target:
        for name in source:
            if name != OPTIMIZER or options["optimizer"]:
                source.copy(name, target)
        if options["optimizer"]:
            for index, variable in enumerate(state.seed_variables(subject.model)):
                target[f"{SEEDS}/{index}"] = variable.numpy()
    whole.unlink()


def loaders(subject: Subject, options: Mapping[str, Any]) -> tuple[Loader, ...]:
    """`load_weights` into what the factory makes, and with the state to go on training."""
    weights = () if snippets.merges_lora(subject) else ("weight",)
    stock = Loader(
        name="factory",
        summary="Keras, into the architecture that the factory makes",
        code=_code(subject, "", f'restored.load_weights("{FILE}")\n'),
        against="eager",
        restores=weights,
    )
    if not options["optimizer"] or not weights:
        return (stock, snippets.ours(subject, weights, into=True))
    training = replace(
        stock,
        name="training",
        summary="Keras, with the states of optimizer and seeds; goes on training",
        code=_training(subject),
        restores=ALL,
        resumes=True,
    )
    return (stock, training, snippets.ours(subject, ALL, into=True))


def inspect(folder: Path, made: Record, trusted: Trusted) -> Iterator[Fault]:
    """Read links and arrays of the file."""
    yield from hdf5.inspect(folder / FILE, FILE)


def portable(folder: Path, made: Record) -> Mapping[str, Load]:
    """None: the factory makes the model."""
    return {}


def restore(folder: Path, made: Record, how: Loading) -> keras.Model:
    """Fill a model with the weights; its optimizer and seeds too, where both have them."""
    model = state.fitting(made, how.into)
    state.complete(model)
    model.load_weights(folder / FILE)
    with h5py.File(folder / FILE) as file:
        if SEEDS in file and model.compiled:
            seeds = [file[SEEDS][str(index)][()] for index in range(len(file[SEEDS]))]
            state.assign(state.seed_variables(model), seeds)
    return model


def _training(subject: Subject) -> str:
    """Return the snippet that restores all; Keras only warns when it skips an optimizer."""
    fill = f"""\
if not restored.optimizer.built:
    restored.optimizer.build(restored.trainable_variables)
with warnings.catch_warnings():
    warnings.simplefilter("error")  # Keras only warns when it skips an optimizer
    restored.load_weights("{FILE}")
"""
    if not snippets.has_seeds(subject):
        return _code(subject, "import warnings\n\n", fill)
    fill += f"""\
with h5py.File("{FILE}") as file:
    states = [file["{SEEDS}"][str(index)][()] for index in range(len(file["{SEEDS}"]))]
{snippets.put_seeds("states")}"""
    return _code(subject, "import warnings\n\nimport h5py\n", fill)


def _code(subject: Subject, imports: str, fill: str) -> str:
    factory, built = subject.manifest.factory, snippets.built(subject)
    imports += "import tensorflow as tf\n" if built else ""
    return snippets.paragraphs(
        f"{imports}from {factory.module} import {factory.attribute}\n",
        f"restored = {snippets.call_of_factory(subject)}\n{built}{fill}",
        snippets.predict(subject),
    )
