"""The contract of a format, and what a format is given to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras

from artifactbuild.manifest.model import Manifest
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Facts, Loader, Record
from artifactbuild.worker.inspection.objects import Declaration, Unverified
from artifactbuild.worker.messages import Seen
from artifactbuild.worker.signature import Signature

Load = Callable[[], Callable[[Any], Any]]
"""Loads a payload, and returns what takes arrays by name and answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The model to write, with all that was worked out of it once for all formats.

    `seen` is its state, which no format may change and every loader must give back.
    `serving` is the traced concrete function: the manifest's inputs by name to outputs by name;
    `signatures` are the further ones that the manifest names, traced likewise. `config` is the
    serialized Keras object: architecture, build and training configuration. `objects` are the
    declared custom objects under each of their names. `unbuilt` tells that the factory returns a
    model without weights yet; `flaw` why Keras could not give the model back as it is, empty if it
    can. `saved` is the folder that the model is already saved in as SavedModel, if it is.
    """

    model: keras.Model
    manifest: Manifest
    signature: Signature
    facts: Facts
    seen: tuple[Seen, ...]
    serving: Any
    signatures: Mapping[str, Any]
    config: Mapping[str, Any]
    objects: Mapping[str, Any]
    unbuilt: bool
    flaw: str
    saved: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What a user gave for loading.

    `into` is the model that a format of weights alone fills and returns; without `safe_mode` the
    bytecode of Lambda layers is run.
    """

    custom_objects: Mapping[str, Any] | None
    into: keras.Model | None
    safe_mode: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """What whoever verifies an artifact lets through beside the usual.

    `operations` are TensorFlow's by name; `lambdas` whether bytecode may be in it; `declaration`
    what the manifest declares, None where there is no manifest.
    """

    operations: frozenset[str]
    lambdas: bool
    declaration: Declaration | None


class Format(Protocol):
    """One kind of artifact. A format writes where it is told and knows how its file is loaded.

    It never chooses its path, hashes, prints, publishes or swallows an exception.
    """

    PAYLOAD: re.Pattern[str]
    """The names of the files that the format writes."""

    def refusal(self, subject: Subject, options: Mapping[str, Any]) -> str:
        """Say why this format cannot hold the model, and what can; empty if it can."""

    def write(self, subject: Subject, options: Mapping[str, Any], folder: Path) -> None:
        """Write the payload into an existing, empty folder."""

    def restore(
        self,
        folder: Path,
        made: Record,
        how: Loading,
    ) -> Any:
        """Return what the artifact is: a Keras model, or a function of arrays by name."""

    def inspect(self, folder: Path, made: Record, trusted: Trusted) -> Iterator[Fault | Unverified]:
        """Yield what the payload contains and must not; nothing of it is loaded or run."""

    def portable(self, folder: Path, made: Record) -> Mapping[str, Load]:
        """Return the loaders that need no code of the project, under the names of `loaders`."""

    def loaders(self, subject: Subject, options: Mapping[str, Any]) -> tuple[Loader, ...]:
        """Return every way that users load the payload; validation runs each."""
