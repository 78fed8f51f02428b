"""Arrays are written in the bytes of `numpy.savez`, whatever NumPy, and never as pickles."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from artifactbuild.worker import npz
from artifactbuild.worker.inspection import tiling

DIGEST = "60edae04c6c7dcd37b09763896a6b2b81c31e2a0bdfe3d633d97e78ed36568f5"
"""Of the file of these arrays, on each Python and with each NumPy."""

ARRAYS = {
    "rows/inputs/x": np.arange(6, dtype=np.float32).reshape(2, 3),
    "rows/inputs/words": np.array([b"one", b"three"]),
    "scalar": np.int64(3),
    "empty": np.zeros((0, 2)),
    "by columns": np.asfortranarray(np.ones((2, 3), np.float16)),
}


def test_bytes_are_those_of_savez(tmp_path: Path) -> None:
    npz.write(tmp_path / "ours.npz", ARRAYS)
    np.savez(tmp_path / "numpys.npz", **ARRAYS)
    ours = (tmp_path / "ours.npz").read_bytes()
    assert hashlib.sha256(ours).hexdigest() == DIGEST
    if sys.version_info >= (3, 11):
        assert ours == (tmp_path / "numpys.npz").read_bytes()
    assert list(tiling.faults(tmp_path / "ours.npz")) == []


@pytest.mark.parametrize("name", ["allow_pickle", "file"])
def test_no_name_is_taken_for_an_argument(name: str, tmp_path: Path) -> None:
    npz.write(tmp_path / "ours.npz", {name: np.arange(3)})
    with np.load(tmp_path / "ours.npz", allow_pickle=False) as found:
        assert found.files == [name]
        assert found[name].tolist() == [0, 1, 2]


def test_python_objects_are_refused(tmp_path: Path) -> None:
    objects = {"words": np.array(["one", None], dtype=object)}
    with pytest.raises(ValueError, match=r"^Object arrays cannot be saved"):
        npz.write(tmp_path / "ours.npz", objects)
