"""How far answers moved: two references with the same questions. Needs NumPy, not TensorFlow."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from artifactbuild.manifest.arrays import Unreadable, headers
from artifactbuild.release.diff.nouns import OutputChange, Outputs

Array = Any
Reference = Mapping[str, Array]

ANSWERS = "eager"

_DAMAGE = (
    Unreadable,
    OSError,
    ValueError,
    TypeError,
    EOFError,
    BadZipFile,
    zlib.error,
    MemoryError,
)
"""What reading and comparing arrays raises where somebody else wrote the file."""


def moved(before: Path, after: Path) -> Outputs:
    """Compare the answers in two `reference.npz`, case by case where the questions are the same.

    A file that holds something else is not compared, and the outputs say why.
    """
    try:
        return compared(_read(before), _read(after))
    except _DAMAGE as error:
        return Outputs(why_not=f"not compared: a stored reference cannot be read: {error}")


def _read(path: Path) -> Reference:
    """Read a reference, its headers first: they show pickles, and sizes that are none."""
    for name, array in headers(path).items():
        if array.dtype in ("object", "structured"):
            raise Unreadable(f"{name!r} is no plain array")
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def compared(before: Reference, after: Reference) -> Outputs:
    """Compare the answers of two references, as named arrays `<case>/<part>/<tensor>`."""
    cases = [case for case in _cases(before) if case in _cases(after)]
    same = [case for case in cases if _same(_part(before, case), _part(after, case))]
    if not same:
        return Outputs(why_not="the reference inputs are not the same")
    pairs: dict[str, list[tuple[Array, Array]]] = {}
    for case in same:
        old, new = _part(before, case, ANSWERS), _part(after, case, ANSWERS)
        for name in old:
            if name in new and old[name].shape == new[name].shape:
                pairs.setdefault(name, []).append((old[name], new[name]))
    if not pairs:
        return Outputs(why_not="no output has its name and shape on both sides")
    return Outputs(
        changes=tuple(change(name, found) for name, found in pairs.items()), cases=tuple(same)
    )


def change(name: str, pairs: Iterable[tuple[Array, Array]]) -> OutputChange:
    """Return how far one output moved over all its cases."""
    pairs = list(pairs)
    if any(array.dtype.kind in "SU" for pair in pairs for array in pair):
        unequal = [np.asarray(old != new) for old, new in pairs]
        return OutputChange(
            name=name,
            rows=sum(each.size for each in unequal),
            flipped=sum(int(each.sum()) for each in unequal),
        )
    apart = np.concatenate([np.abs(_number(new) - _number(old)).ravel() for old, new in pairs])
    choices = [_choices(old, new) for old, new in pairs]
    rows = sum(count for count, _ in choices)
    return OutputChange(
        name=name,
        largest=float(apart.max(initial=0.0)),
        mean=float(apart.mean()) if apart.size else 0.0,
        scale=float(max(np.abs(_number(old)).max(initial=0.0) for old, _ in pairs)),
        rows=rows or None,
        flipped=sum(flipped for _, flipped in choices) if rows else None,
    )


def _choices(old: Array, new: Array) -> tuple[int, int]:
    """Return how many rows choose among several values, and how many choose another now."""
    if old.ndim < 2 or old.shape[-1] < 2:
        return 0, 0
    differs = np.argmax(_number(old), axis=-1) != np.argmax(_number(new), axis=-1)
    return differs.size, int(differs.sum())


def _number(array: Array) -> Array:
    return array.astype("float64")


def _cases(reference: Reference) -> list[str]:
    return list(dict.fromkeys(name.split("/")[0] for name in reference))


def _part(reference: Reference, case: str, part: str = "inputs") -> dict[str, Array]:
    prefix = f"{case}/{part}/"
    return {name[len(prefix) :]: a for name, a in reference.items() if name.startswith(prefix)}


def _same(before: Mapping[str, Array], after: Mapping[str, Array]) -> bool:
    return before.keys() == after.keys() and all(
        (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        for a, b in ((before[name], after[name]) for name in before)
    )
