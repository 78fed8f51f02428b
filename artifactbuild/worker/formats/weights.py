"""`ckpt.index` and `ckpt.data-00000-of-00001`: a TensorFlow checkpoint of the weights.

The checkpoint holds a flat list, in the order of `model.weights`; with the option `optimizer` two
more, of the seed generators and of the optimizer. A checkpoint of the object
graph would miss layers held in plain lists and pass every assertion on an unbuilt model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Loader, Record
from artifactbuild.worker import claims, state
from artifactbuild.worker.formats import snippets
from artifactbuild.worker.formats.protocol import Load, Loading, Subject, Trusted
from artifactbuild.worker.inspection import checkpoint

PREFIX = "ckpt"
PAYLOAD = re.compile(r"ckpt\.(index|data-00000-of-00001)")


def refusal(subject: Subject, options: Mapping[str, Any]) -> str:
    """Refuse a model that has no weights."""
    if not subject.model.weights:
        return "the model has no weights"
    return claims.retrained(subject.model) if options["optimizer"] else ""


def write(subject: Subject, options: Mapping[str, Any], folder: Path) -> None:
    """Write the checkpoint: the weights, and with `optimizer` all that training goes on from."""
    lists = {"weights": list(subject.model.weights)}
    if options["optimizer"]:
        lists["seeds"] = state.seed_variables(subject.model)
        lists["optimizer"] = state.optimizer_variables(subject.model)
    tf.train.Checkpoint(**lists).write(str(folder / PREFIX))


def loaders(subject: Subject, options: Mapping[str, Any]) -> tuple[Loader, ...]:
    """The factory makes the architecture, the checkpoint fills it."""
    fill = "checkpoint = tf.train.Checkpoint(weights=list(restored.weights))\n"
    whole = ".assert_existing_objects_matched().expect_partial()"
    ending = whole if options["optimizer"] else ".assert_consumed()"
    stock = Loader(
        name="factory",
        summary="TensorFlow, into the architecture that the factory makes",
        code=_code(subject, f'{fill}checkpoint.read("{PREFIX}"){ending}\n'),
        against="eager",
        restores=("weight",),
    )
    if not (options["optimizer"] and subject.model.compiled):
        return (stock, snippets.ours(subject, ("weight",), into=True))
    fill = f"""\
if not restored.optimizer.built:
    restored.optimizer.build(restored.trainable_variables)
weights = {{id(variable) for variable in restored.weights}}
checkpoint = tf.train.Checkpoint(
    weights=list(restored.weights),
    seeds=[variable for variable in restored.variables if id(variable) not in weights],
    optimizer=list(restored.optimizer.variables),
)
checkpoint.read("{PREFIX}").assert_consumed()
"""
    training = replace(
        stock,
        name="training",
        summary="TensorFlow, with the states of optimizer and seeds; goes on training",
        code=_code(subject, fill),
        restores=("weight", "seed", "optimizer"),
        resumes=True,
    )
    ours = snippets.ours(subject, training.restores, into=True)
    return (stock, training, ours)


def inspect(folder: Path, made: Record, trusted: Trusted) -> Iterator[Fault]:
    """Read which tensors the checkpoint holds."""
    yield from checkpoint.inspect(folder, PREFIX)


def portable(folder: Path, made: Record) -> Mapping[str, Load]:
    """None: the factory makes the model."""
    return {}


def restore(folder: Path, made: Record, how: Loading) -> keras.Model:
    """Fill a model with the checkpoint; its optimizer too, where both have one."""
    model = state.fitting(made, how.into)
    saved = {name.split("/")[0] for name, _ in tf.train.list_variables(str(folder / PREFIX))}
    lists = {"weights": list(model.weights)}
    if "optimizer" in saved and model.compiled:
        state.complete(model)
        lists["seeds"] = state.seed_variables(model)
        lists["optimizer"] = state.optimizer_variables(model)
    status = tf.train.Checkpoint(**lists).read(str(folder / PREFIX))
    status.assert_existing_objects_matched().expect_partial()
    return model


def _code(subject: Subject, fill: str) -> str:
    factory = subject.manifest.factory
    return snippets.paragraphs(
        f"import tensorflow as tf\nfrom {factory.module} import {factory.attribute}\n",
        f"restored = {snippets.call_of_factory(subject)}\n{snippets.built(subject)}{fill}",
        snippets.predict(subject),
    )
