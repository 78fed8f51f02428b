"""Trees of plain data, arrays and bytes: where two of them differ, in reading order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from artifactbuild.worker.difference import raw

LONGEST = 60
"""How many characters of a value are shown."""

Array = np.ndarray[Any, Any]


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield each difference as '<path> is <after>, was <before>'."""
    before, after = _parsed(before), _parsed(after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _of_mappings(before, after, path)
    elif isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        yield from of_arrays(before, after, path)
    elif _is_list(before) and _is_list(after):
        yield from _of_lists(before, after, path)
    elif isinstance(before, bytes) and isinstance(after, bytes) and len(before) > LONGEST:
        if before != after:
            yield f"{path}: {raw.difference(before, after)}"
    elif type(before) is not type(after) or before != after:
        yield f"{path} is {shown(after)}, was {shown(before)}"


def of_arrays(before: Array, after: Array, path: str) -> Iterator[str]:
    """Yield the first element that differs between two arrays, and by how much they do at most."""
    if before.dtype != after.dtype:
        yield f"{path} has the dtype {after.dtype}, had {before.dtype}"
    elif before.shape != after.shape:
        yield f"{path} has the shape {list(after.shape)}, had {list(before.shape)}"
    elif before.tobytes() != after.tobytes():
        yield _first_element(before, after, path)


def shown(value: Any) -> str:
    """Write a value short enough for one line."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


class Named(dict[str, Any]):
    """A list whose items have names, and are told by them."""


def named(items: Sequence[Any], names: Sequence[str]) -> Any:
    """Return a list by the names of its items, if each has one of its own."""
    items = list(items)
    if all(names) and len(set(names)) == len(names):
        return Named(zip(names, items, strict=True))
    return items


def _of_mappings(before: Mapping[Any, Any], after: Mapping[Any, Any], path: str) -> Iterator[str]:

    def below(key: Any) -> str:
        if isinstance(before, Named) or not str(key).isidentifier():
            return f"{path}[{shown(key)}]"
        return f"{path}.{key}" if path else str(key)

    for key in before:
        if key not in after:
            yield f"{below(key)} is gone"
        else:
            yield from differences(before[key], after[key], below(key))
    new = [key for key in after if key not in before]
    yield from (f"{below(key)} is new" for key in new)
    if not new and len(before) == len(after):
        moved = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
        if moved:
            was, now = moved[0]
            yield f"{path or 'the order'}: {now!r} now comes where {was!r} came"


def _of_lists(before: Sequence[Any], after: Sequence[Any], path: str) -> Iterator[str]:
    for index, (was, now) in enumerate(zip(before, after, strict=False)):
        yield from differences(was, now, f"{path}[{index}]")
    if len(before) != len(after):
        yield f"{path} has {len(after)} items, had {len(before)}"


def _first_element(before: Array, after: Array, path: str) -> str:
    rows = [np.frombuffer(each.tobytes(), f"V{each.dtype.itemsize}") for each in (before, after)]
    flat = int(np.flatnonzero(rows[0] != rows[1])[0])
    at = [int(index) for index in np.unravel_index(flat, before.shape)]
    was, now = before.reshape(-1)[flat], after.reshape(-1)[flat]
    place = f"{path}{at}" if at else path
    return f"{place} is {now}, was {was}{_at_most(before, after)}"


def _at_most(before: Array, after: Array) -> str:
    if before.dtype.kind not in "fiu" or before.size < 2:
        return ""
    with np.errstate(invalid="ignore", over="ignore"):
        largest = np.abs(after.astype("float64") - before.astype("float64")).max()
    return f" (by at most {largest:.2g})"


def _parsed(value: Any) -> Any:
    """Return what a string of JSON says, so that the difference has a path in it."""
    if isinstance(value, (str, bytes)) and value[:1] in ("{", b"{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))
