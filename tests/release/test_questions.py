"""The inputs of a reference, to the byte."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from artifactbuild.release import questions


def test_inputs_are_compared_and_outputs_are_not(tmp_path: Path) -> None:
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    np.savez(first, **{"rows/inputs/x": np.ones(2), "rows/eager/y": np.ones(2)})
    np.savez(second, **{"rows/inputs/x": np.ones(2), "rows/eager/y": np.zeros(2)})
    assert set(questions.of(first)) == {"rows/inputs/x.npy"}
    assert questions.of(first) == questions.of(io.BytesIO(second.read_bytes()))
    np.savez(second, **{"rows/inputs/x": np.zeros(2), "rows/eager/y": np.ones(2)})
    assert questions.of(first) != questions.of(second)


def test_what_is_no_archive_has_none(tmp_path: Path) -> None:
    file = tmp_path / "reference.npz"
    file.write_bytes(b"no archive")
    with pytest.raises(OSError, match="not a zip file"):
        questions.of(file)
