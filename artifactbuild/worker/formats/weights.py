"""`ckpt.index` and `ckpt.data-00000-of-00001`: a TensorFlow checkpoint of the weights alone.

The checkpoint holds one flat list, in the order of `model.weights`. A checkpoint of the object
graph would miss layers held in plain lists and pass every assertion on an unbuilt model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from artifactbuild.release.record import Loader
from artifactbuild.worker.formats import snippets
from artifactbuild.worker.formats.protocol import Subject

PREFIX = "ckpt"


def refusal(subject: Subject, options: Mapping[str, Any]) -> str:
    """Refuse a model that has no weights."""
    return "" if subject.model.weights else "the model has no weights; leave this format out"


def write(subject: Subject, options: Mapping[str, Any], folder: Path) -> None:
    """Write the checkpoint."""
    tf.train.Checkpoint(weights=list(subject.model.weights)).write(str(folder / PREFIX))


def loaders(subject: Subject, options: Mapping[str, Any]) -> tuple[Loader, ...]:
    """The factory makes the architecture, the checkpoint fills it."""
    factory = subject.manifest.factory
    arguments = ", ".join(f"{key}={value!r}" for key, value in subject.manifest.kwargs.items())
    build = "" if subject.model.__class__.__module__.startswith("keras.") else _call_once(subject)
    code = snippets.paragraphs(
        f"import tensorflow as tf\nfrom {factory.module} import {factory.attribute}\n",
        f"restored = {factory.attribute}({arguments})\n"
        f"{build}"
        f"checkpoint = tf.train.Checkpoint(weights=list(restored.weights))\n"
        f'checkpoint.read("{PREFIX}").assert_consumed()\n',
        snippets.predict(subject),
    )
    return (
        Loader(
            name="factory",
            summary="TensorFlow, into the architecture that the factory makes",
            code=code,
            against="eager",
            restores=("weight",),
        ),
    )


def _call_once(subject: Subject) -> str:
    """Return the call that makes a subclassed model create its weights."""
    zeros = ", ".join(
        f'"{t.name}": tf.zeros({[size or 1 for size in t.shape]}, "{t.dtype}")'
        for t in subject.signature.inputs
    )
    return f"inputs = {{{zeros}}}\nrestored({subject.signature.expression()}, training=False)\n"
