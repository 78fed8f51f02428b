"""How far weights moved between two artifacts, layer by layer.

Tensors are found in a payload by the digests that its record lists: nothing of how a format lays
them out has to be known, and a tensor that was tampered with is not found.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tensorflow as tf

from artifactbuild.data import decode
from artifactbuild.release import record
from artifactbuild.worker.messages import LayerPair, Tell, WeighReport, WeighRequest

ARCHIVED = "model.weights.h5"
FILES = {"h5": "model.h5", "weights_h5": "model.weights.h5"}
CHECKPOINTS = {"savedmodel": "variables/variables", "weights": "ckpt"}

Array = Any


def run(data: Mapping[str, Any], tell: Tell) -> WeighReport:
    """Do a weighing job; layers whose tensors are not at hand are left out."""
    del tell
    request = decode(WeighRequest, data)
    sides = [_variables(Path(folder)) for folder in (request.before, request.after)]
    found = {pair.layer: _relative(pair, *sides) for pair in request.pairs}
    return WeighReport(relative={name: far for name, far in found.items() if far is not None})


def _relative(pair: LayerPair, before: list[Array], after: list[Array]) -> float | None:
    """Return |after - before| / |before| over all numbers of a layer."""
    old = [before[place] for place in pair.before]
    new = [after[place] for place in pair.after]
    if any(each is None for each in (*old, *new)) or len(old) != len(new):
        return None
    if [each.shape for each in old] != [each.shape for each in new]:
        return None
    moved = sum(float(np.sum((b - a) ** 2)) for a, b in zip(old, new, strict=True))
    was = sum(float(np.sum(a**2)) for a in old)
    return float(np.sqrt(moved / was)) if was else None


def _variables(folder: Path) -> list[Array]:
    """Return the variables of an artifact in the record's order, None for those not found."""
    made = record.read(folder)
    wanted = {variable.sha256 for variable in made.variables}
    found = {}
    for array in _tensors(folder, made.format):
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        sha256 = hashlib.sha256(little.tobytes()).hexdigest()
        if sha256 in wanted:
            found[sha256] = little.astype("float64")
    return [found.get(variable.sha256) for variable in made.variables]


def _tensors(folder: Path, format: str) -> Iterator[Array]:
    if format == "keras":
        with zipfile.ZipFile(folder / "model.keras") as archive:
            yield from _of_hdf5(io.BytesIO(archive.read(ARCHIVED)))
    elif format in FILES:
        yield from _of_hdf5(folder / FILES[format])
    elif format in CHECKPOINTS:
        reader = tf.train.load_checkpoint(str(folder / CHECKPOINTS[format]))
        for name in reader.get_variable_to_shape_map():
            array = np.asarray(reader.get_tensor(name))
            if array.dtype.kind not in "OSU":
                yield array


def _of_hdf5(source: Any) -> Iterator[Array]:
    found: list[Array] = []

    def visit(name: str, item: Any) -> None:
        del name
        if isinstance(item, h5py.Dataset) and item.dtype.kind not in "OSU":
            found.append(np.asarray(item[()]))

    with h5py.File(source, "r") as file:
        file.visititems(visit)
    yield from found
