"""`model.keras`: Keras' own archive of architecture, weights, optimizer and training configuration.

Keras leaves the seed generators' states out, so that a resumed run draws other dropout masks; they
are added as a member that Keras does not read.
https://keras.io/guides/serialization_and_saving/
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Loader, Record
from artifactbuild.worker import state
from artifactbuild.worker.canonical import archive
from artifactbuild.worker.formats import snippets
from artifactbuild.worker.formats.protocol import Load, Loading, Subject, Trusted
from artifactbuild.worker.inspection import archive as archive_of
from artifactbuild.worker.inspection import hdf5, objects
from artifactbuild.worker.undrawn import undrawn

FILE = "model.keras"
SEEDS = "seed_generators.json"
STOCK = ("weight", "optimizer")
ALL = ("weight", "seed", "optimizer")
PAYLOAD = re.compile(r"model\.keras")

MEMBERS = re.compile(
    r"config\.json|metadata\.json|model\.weights\.h5|seed_generators\.json|assets/[^/]+(/[^/]+)*"
)


def refusal(subject: Subject, options: Mapping[str, Any]) -> str:
    """Refuse what Keras could not give back as it is."""
    return subject.flaw


def write(subject: Subject, options: Mapping[str, Any], folder: Path) -> None:
    """Save the archive, add the seeds and give it canonical bytes."""
    subject.model.save(folder / FILE)
    seeds = [v.numpy().tolist() for v in state.seed_variables(subject.model)]
    archive.rewrite(folder / FILE, {SEEDS: json.dumps(seeds).encode()} if seeds else {})


def loaders(subject: Subject, options: Mapping[str, Any]) -> tuple[Loader, ...]:
    """`load_model` as users write it, and with the seeds put back."""
    registered = Loader(
        name="keras",
        summary="Keras, with the modules of the custom objects imported",
        code=_code(subject, snippets.imports_of_declared(subject), "", snippets.trust(subject)),
        against="eager",
        restores=STOCK,
    )
    mapped = replace(
        registered,
        name="custom_objects",
        summary="Keras, with a custom_objects mapping and nothing registered",
        code=_code(subject, *snippets.mapped(subject)),
        declared=False,
    )
    if snippets.merges_lora(subject):
        registered, mapped = replace(registered, restores=()), replace(mapped, restores=())
        usable = snippets.usable(subject, registered, mapped)
        return (*usable, snippets.ours(subject, ()))
    usable = snippets.usable(subject, registered, mapped)
    ours = snippets.ours(subject, ALL)
    if not (subject.model.compiled and snippets.has_seeds(subject)):
        return (*usable, ours)
    return (*usable, _training(subject, usable[0]), ours)


def inspect(folder: Path, made: Record, trusted: Trusted) -> Iterator[Fault | objects.Unverified]:
    """Read members, configuration and inner HDF5 file of the archive."""
    found = list(archive_of.inspect(folder / FILE, FILE, MEMBERS))
    yield from found
    if found:
        return
    with zipfile.ZipFile(folder / FILE) as archived:
        names = objects.names(made, trusted.declaration, lambdas=trusted.lambdas)
        yield from objects.inspect(archived.read("config.json"), FILE, "config.json", names)
        with archived.open(archive.WEIGHTS) as weights:
            yield from hdf5.inspect(weights, FILE, archive.WEIGHTS)


def portable(folder: Path, made: Record) -> Mapping[str, Load]:
    """None: every loader of users imports the custom objects."""
    return {}


def restore(folder: Path, made: Record, how: Loading) -> keras.Model:
    """Load the model with its optimizer and its seeds."""
    model = undrawn(
        lambda: keras.saving.load_model(
            folder / FILE, custom_objects=how.custom_objects, safe_mode=how.safe_mode
        )
    )
    with zipfile.ZipFile(folder / FILE) as archive:
        seeds = json.loads(archive.read(SEEDS)) if SEEDS in archive.namelist() else []
    state.assign(state.seed_variables(model), seeds)
    return model


def _code(subject: Subject, imports: str, mapping: str, argument: str) -> str:
    return snippets.paragraphs(
        "import keras\n" + imports,
        f'{mapping}restored = keras.saving.load_model("{FILE}"{argument})\n',
        snippets.predict(subject),
    )


def _training(subject: Subject, stock: Loader) -> Loader:
    """Return the loader that goes on training as the original would have."""
    imports, mapping, argument = snippets.own(subject)
    return replace(
        stock,
        name="training",
        summary="Keras, with the seed generators put back; goes on training",
        code=snippets.paragraphs(
            "import json\nimport zipfile\n\nimport keras\n" + imports,
            f'{mapping}restored = keras.saving.load_model("{FILE}"{argument})\n'
            f'with zipfile.ZipFile("{FILE}") as archive:\n'
            f'    states = json.loads(archive.read("{SEEDS}"))\n' + snippets.put_seeds("states"),
            snippets.predict(subject),
        ),
        restores=ALL,
        resumes=True,
    )
