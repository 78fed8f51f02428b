"""What differs first between two files of the same name and kind, for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from artifactbuild.data import decode
from artifactbuild.worker.difference import (
    archive,
    arrays,
    checkpoint,
    flatbuffer,
    hdf5,
    proto,
    raw,
    text,
)
from artifactbuild.worker.messages import DifferenceReport, DifferenceRequest, Tell

Differences = Callable[[Path, Path], Iterator[str]]

KINDS: tuple[tuple[str, Differences], ...] = (
    ("*.keras", archive.differences),
    ("*.h5", hdf5.differences),
    ("*.npz", arrays.differences),
    ("*.json", text.json_differences),
    ("*.md", text.line_differences),
    ("*saved_model.pb", proto.saved_model),
    ("*fingerprint.pb", proto.fingerprint),
    ("*.onnx", proto.onnx),
    ("*.tflite", flatbuffer.differences),
    ("*.index", checkpoint.differences),
    ("*.data-?????-of-?????", checkpoint.differences),
)
"""The first pattern that a file's name matches says how it is read; any other is raw bytes."""

CONSEQUENCES = ("files[",)
"""What only follows from another file's difference, and is named when there is nothing else."""


def run(data: Mapping[str, Any], tell: Tell) -> DifferenceReport:
    """Do a difference job."""
    del tell
    request = decode(DifferenceRequest, data)
    before, after = Path(request.before, request.file), Path(request.after, request.file)
    if request.file.endswith(".npz"):
        within = arrays.outputs_within(before, after, request.atol, request.rtol)
    else:
        within = False
    return DifferenceReport(what=first(before, after), within=within)


def first(before: Path, after: Path) -> str:
    """Say what differs first; both files are there, and their bytes are not the same."""
    kind = next((kind for pattern, kind in KINDS if fnmatch(after.name, pattern)), None)
    consequence = ""
    for what in kind(before, after) if kind else ():
        if not what.startswith(CONSEQUENCES):
            return what
        consequence = consequence or what
    return consequence or raw.difference(before.read_bytes(), after.read_bytes())
