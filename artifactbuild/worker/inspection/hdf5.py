"""HDF5 files: groups and plain arrays that lie in the file itself, and no way out of it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py

from artifactbuild.release.fault import Fault

MAX_OBJECTS = 100_000
SIGNATURE = b"\x89HDF\r\n\x1a\n"
VERSION = 0
"""The superblock's version in all that h5py writes unless it is asked for another."""

NOWHERE = 0xFFFFFFFFFFFFFFFF
_SUPERBLOCK = struct.Struct("<24s4Q")
"""Signature, versions and sizes; where addresses count from, free space, the end, the driver."""

PLAIN = "biufc"
"""NumPy's kinds of numbers and truth values."""


def inspect(source: Any, file: str, inside: str = "") -> Iterator[Fault]:
    """Find links, storage and types that reach outside a file or make reading it dangerous.

    `source` is a path or an open file; `inside` the member of an archive that it is.
    """
    _forget_plugins()
    try:
        size, head = _ends(source)
        if message := _beside(size, head):
            yield Fault(kind="hdf5-hidden", file=file, at=inside, message=message)
        with h5py.File(source, "r") as opened:
            walk = _Walk(file, inside)
            yield from walk.group(opened, "")
            if walk.claimed > size:
                message = f"claims {walk.claimed} bytes of values in {size}: arrays share them"
                yield Fault(kind="hdf5-bomb", file=file, at=inside, message=message)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        message = f"is no HDF5 file that can be read: {error}"
        yield Fault(kind="unreadable", file=file, at=inside, message=message)


def _forget_plugins() -> None:
    """Let the library find no filter outside of itself, whatever the environment says."""
    for _ in range(h5py.h5pl.size()):
        h5py.h5pl.remove(0)


def _ends(source: Any) -> tuple[int, bytes]:
    """Return the size of a file and its first bytes."""
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        head = file.read(_SUPERBLOCK.size)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
    return size, head


def _beside(size: int, head: bytes) -> str:
    """Say what is in a file that HDF5 does not count; empty if its superblock accounts for it all.

    The library looks for the superblock further on if there is none at the start, and leaves what
    follows the end that it states.
    """
    if not head.startswith(SIGNATURE):
        return "does not begin with the superblock"
    if len(head) < _SUPERBLOCK.size or head[len(SIGNATURE)] != VERSION:
        return "has another version of the superblock than artifactbuild writes"
    base, free, end, driver = _SUPERBLOCK.unpack(head)[1:]
    if (base, free, driver) != (0, NOWHERE, NOWHERE):
        return "is laid out over several parts or files"
    return f"has {size} bytes, and says that it ends at {end}" if end != size else ""


def _is_plain(dtype: Any) -> bool:
    """Tell whether values are numbers; NumPy has no bfloat16 and shows two bytes of its own."""
    bfloat16 = dtype.kind == "V" and dtype.itemsize == 2 and not dtype.fields
    return not dtype.hasobject and (dtype.kind in PLAIN or bfloat16)


class _Walk:
    """One walk through a file, each object once."""

    def __init__(self, file: str, inside: str) -> None:
        self.file, self.inside = file, inside
        self.seen: set[int] = set()
        self.claimed = 0
        """Bytes of values in all arrays that are as they should be."""

    def group(self, group: Any, path: str) -> Iterator[Fault]:
        yield from self._attributes(group, path)
        for name in group:
            at = f"{path}/{name}"
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                yield self._link(link, at)
            elif not self._is_new(group, name):
                message = "is an object that has another name already: a loop, or a disguise"
                yield self._fault("hdf5-link", at, message)
            elif len(self.seen) > MAX_OBJECTS:
                yield self._fault("too-many", at, f"there are more than {MAX_OBJECTS} objects")
                return
            else:
                yield from self._object(group[name], at)

    def _object(self, found: Any, at: str) -> Iterator[Fault]:
        if isinstance(found, h5py.Group):
            yield from self.group(found, at)
        elif isinstance(found, h5py.Dataset):
            yield from self._attributes(found, at)
            yield from self._dataset(found, at)
        else:
            yield self._fault("hdf5-type", at, "is a stored type, neither a group nor an array")

    def _dataset(self, dataset: Any, at: str) -> Iterator[Fault]:
        created = dataset.id.get_create_plist()
        if created.get_external_count():
            name = created.get_external(0)[0].decode(errors="replace")
            message = f"keeps its values in another file, {name!r}"
            yield self._fault("hdf5-external", at, message)
        elif created.get_layout() == h5py.h5d.VIRTUAL:
            yield self._fault("hdf5-external", at, "is put together from other files")
        elif created.get_nfilters():
            yield self._fault("hdf5-filter", at, "goes through a filter, which may be a plug-in")
        elif not _is_plain(dataset.dtype):
            message = f"holds {dataset.dtype}, expected plain numbers"
            yield self._fault("hdf5-type", at, message)
        elif dataset.nbytes != dataset.id.get_storage_size():
            message = (
                f"claims {dataset.nbytes} bytes of values, and {dataset.id.get_storage_size()} "
                "are stored: reading it would make up the rest"
            )
            yield self._fault("hdf5-bomb", at, message)
        else:
            self.claimed += dataset.nbytes

    def _attributes(self, found: Any, at: str) -> Iterator[Fault]:
        for name in found.attrs:
            kind = found.attrs.get_id(name).dtype
            text = h5py.check_string_dtype(kind) is not None
            if not text and (kind.kind not in PLAIN + "S" or kind.hasobject):
                message = f"the attribute {name!r} holds {kind}, expected text or numbers"
                yield self._fault("hdf5-type", at or "/", message)

    def _is_new(self, group: Any, name: str) -> bool:
        info = h5py.h5o.get_info(group.id, name.encode(errors="surrogateescape"))
        before = len(self.seen)
        self.seen.add(info.addr)
        return len(self.seen) > before

    def _link(self, link: Any, at: str) -> Fault:
        if isinstance(link, h5py.ExternalLink):
            message = f"is a link to another file, {link.filename!r}"
            return self._fault("hdf5-external", at, message)
        message = f"is a link by name, to {getattr(link, 'path', '?')!r}"
        return self._fault("hdf5-link", at, message)

    def _fault(self, kind: str, at: str, message: str) -> Fault:
        place = f"{self.inside}:{at}" if self.inside else at
        return Fault(kind=kind, file=self.file, at=place, message=message)
