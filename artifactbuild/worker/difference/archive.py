"""`.keras` archives: member by member, and what is in them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from artifactbuild.worker.difference import hdf5, raw, tree

FIELDS = ("date_time", "compress_type", "external_attr", "create_system", "extra", "flag_bits")
"""What an archive says of a member beside its content."""


def differences(before: Path, after: Path) -> Iterator[str]:
    """Yield the members that differ between two archives, and where in them."""
    with zipfile.ZipFile(before) as was, zipfile.ZipFile(after) as now:
        names = [archive.namelist() for archive in (was, now)]
        yield from (f"member {name!r} is gone" for name in names[0] if name not in names[1])
        yield from (f"member {name!r} is new" for name in names[1] if name not in names[0])
        common = [name for name in names[0] if name in names[1]]
        for name in common:
            yield from _of_contents(name, was.read(name), now.read(name))
        yield from tree.differences(names[0], names[1], "members")
        for name in common:
            fields = [_fields(archive.getinfo(name)) for archive in (was, now)]
            yield from tree.differences(fields[0], fields[1], f"member {name!r}")


def _of_contents(name: str, was: bytes, now: bytes) -> Iterator[str]:
    if was == now:
        return
    inner = ""
    if name.endswith(".json"):
        inner = next(tree.differences(json.loads(was), json.loads(now)), "")
    elif name.endswith(".h5"):
        inner = next(hdf5.differences(BytesIO(was), BytesIO(now)), "")
    yield f"member {name!r}: {inner or raw.difference(was, now)}"


def _fields(member: zipfile.ZipInfo) -> dict[str, object]:
    return {name: getattr(member, name) for name in FIELDS}
