"""NumPy's archives of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from artifactbuild.worker.difference import tree

INPUTS = "inputs"
"""The part of a reference array's name that says that it was fed, not answered."""


def differences(before: Path, after: Path) -> Iterator[str]:
    """Yield the arrays that differ between two archives."""
    with np.load(before) as was, np.load(after) as now:
        yield from (f"array {name!r} is gone" for name in was.files if name not in now.files)
        yield from (f"array {name!r} is new" for name in now.files if name not in was.files)
        for name in was.files:
            if name in now.files:
                yield from tree.of_arrays(was[name], now[name], f"array {name!r}")


def outputs_within(before: Path, after: Path, atol: float, rtol: float) -> bool:
    """Tell whether two references have the same inputs, and outputs within the tolerance."""
    with np.load(before) as was, np.load(after) as now:
        return was.files == now.files and all(
            _within(name, was[name], now[name], atol, rtol) for name in was.files
        )


def _within(name: str, was: tree.Array, now: tree.Array, atol: float, rtol: float) -> bool:
    if was.dtype != now.dtype or was.shape != now.shape:
        return False
    is_output = name.split("/")[1:2] != [INPUTS]
    if is_output and was.dtype.kind == "f":
        return bool(np.all(np.abs(now - was) <= atol + rtol * np.abs(was)))
    return was.tobytes() == now.tobytes()
