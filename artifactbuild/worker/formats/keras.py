"""`model.keras`: Keras' own archive of architecture, weights, optimizer and training configuration.

https://keras.io/guides/serialization_and_saving/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifactbuild.release.record import Loader
from artifactbuild.worker.canonical import archive
from artifactbuild.worker.formats import snippets
from artifactbuild.worker.formats.protocol import Subject

FILE = "model.keras"
RESTORES = ("weight", "optimizer")
"""Seed generators are not in the archive: a resumed run draws other dropout masks."""


def refusal(subject: Subject, options: Mapping[str, Any]) -> str:
    """Return nothing: what the archive cannot hold shows when it is loaded."""
    return ""


def write(subject: Subject, options: Mapping[str, Any], folder: Path) -> None:
    """Save the archive and give it canonical bytes."""
    subject.model.save(folder / FILE)
    archive.rewrite(folder / FILE)


def loaders(subject: Subject, options: Mapping[str, Any]) -> tuple[Loader, ...]:
    """`load_model` with the declared modules imported, and with a `custom_objects` mapping."""
    registered = Loader(
        name="keras",
        summary="Keras, with the modules of the custom objects imported",
        code=snippets.paragraphs(
            "import keras\n" + snippets.imports_of_declared(subject),
            f'restored = keras.saving.load_model("{FILE}")\n',
            snippets.predict(subject),
        ),
        against="eager",
        restores=RESTORES,
    )
    mapped = Loader(
        name="custom_objects",
        summary="Keras, with a custom_objects mapping and nothing registered",
        code=snippets.paragraphs(
            "import keras\n" + snippets.imports_by_name(subject),
            f"custom_objects = {snippets.custom_objects(subject)}\n"
            f'restored = keras.saving.load_model("{FILE}", custom_objects=custom_objects)\n',
            snippets.predict(subject),
        ),
        against="eager",
        restores=RESTORES,
        declared=False,
    )
    return snippets.usable(subject, registered, mapped)
