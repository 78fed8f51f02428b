"""HDF5: attributes and datasets by their place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np

from artifactbuild.worker.difference import tree


def differences(before: Path | IO[bytes], after: Path | IO[bytes]) -> Iterator[str]:
    """Yield the groups, attributes and datasets that differ between two files."""
    with h5py.File(before, "r") as was, h5py.File(after, "r") as now:
        places = [_places(file) for file in (was, now)]
        yield from (f"{place!r} is gone" for place in places[0] if place not in places[1])
        yield from (f"{place!r} is new" for place in places[1] if place not in places[0])
        for place in places[0]:
            if place in places[1]:
                yield from _of_places(was[place], now[place], place)


def _places(file: Any) -> list[str]:
    found = ["/"]
    file.visit(found.append)
    return found


def _of_places(was: Any, now: Any, place: str) -> Iterator[str]:
    for difference in tree.differences(_attributes(was), _attributes(now)):
        yield f"attribute of {place!r}: {difference}"
    if isinstance(was, h5py.Dataset) and isinstance(now, h5py.Dataset):
        yield from tree.of_arrays(np.asarray(was), np.asarray(now), f"dataset {place!r}")


def _attributes(item: Any) -> dict[str, Any]:
    return {name: _plain(value) for name, value in item.attrs.items()}


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
