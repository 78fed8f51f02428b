"""SavedModel folders with the same bytes for the same model, whatever the process did before.

TensorFlow numbers functions, gradients and tables through the life of a process, keeps functions
in a hash map, writes threads and devices into every call, and draws a uuid. Each step mends one of
these in the message of `saved_model.pb`; `fingerprint.pb` is made anew from what they leave.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from tensorflow.core.protobuf import saved_model_pb2

from artifactbuild.worker.canonical.savedmodel import (
    calls,
    fingerprint,
    functions,
    gradients,
    names,
    structure,
    tables,
)
from artifactbuild.worker.canonical.savedmodel.saved import Saved

GRAPH = "saved_model.pb"
BESIDE = ("variables/variables.index", "assets/*")
"""What lies beside the graph and decides what tables hold; the index has a checksum of all data."""

STEPS: tuple[Callable[[Saved], None], ...] = (
    structure.check,
    calls.forget_machine,
    functions.order,
    functions.rename,
    gradients.renumber,
    names.number_captured,
    names.number_counted,
    tables.share,
)
"""In order: functions are sorted before what is counted in the order of their operations."""


def rewrite(folder: Path) -> None:
    """Give a SavedModel canonical bytes; doing it twice changes nothing.

    Raises:
        Unknown: when it has a structure that no step knows.
    """
    path = folder / GRAPH
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    saved = Saved(message=message, beside=_digest(folder))
    for step in STEPS:
        step(saved)
    path.write_bytes(message.SerializeToString(deterministic=True))
    fingerprint.write(folder)


def _digest(folder: Path) -> str:
    """Return a digest of the names and contents of the files beside the graph."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in BESIDE for path in folder.glob(pattern)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()
