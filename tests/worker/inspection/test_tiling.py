"""Zip archives: what zipfile and NumPy write tiles the file, and any byte more is refused."""

from __future__ import annotations

import re
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifactbuild.worker import npz
from artifactbuild.worker.inspection import archive
from tests.release import kept

ANY = re.compile(r".+")
KERAS = kept.RECORDS / kept.CURRENT / "published" / "keras" / "v1"

Bytes = Callable[[bytes], bytes]


@pytest.fixture(params=["model.keras", "reference.npz"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copy(KERAS / request.param, tmp_path))


def kinds(path: Path) -> list[str]:
    return [fault.kind for fault in archive.inspect(path, path.name, ANY)]


def end_of(raw: bytes) -> int:
    return raw.rindex(b"PK\5\6")


def directory_of(raw: bytes) -> int:
    return int(struct.unpack_from("<I", raw, end_of(raw) + 16)[0])


def moved(raw: bytes, by: int) -> bytes:
    """Let the end of the archive find its directory so many bytes later."""
    at = end_of(raw) + 16
    return raw[:at] + struct.pack("<I", directory_of(raw) + by) + raw[at + 4 :]


def put(raw: bytes, at: int, new: bytes) -> bytes:
    return raw[:at] + new + raw[at + len(new) :]


def local(raw: bytes, field: int, new: bytes) -> bytes:
    """Change the first member's own header."""
    return put(raw, field, new)


def central(raw: bytes, field: int, new: bytes) -> bytes:
    """Change the first entry of the directory."""
    return put(raw, directory_of(raw) + field, new)


def test_kept_archives_are_whole(path: Path) -> None:
    assert kinds(path) == []


def savez(path: Path, arrays: dict[str, Any]) -> None:
    """Write as a layer with `save_assets` does; Python's zipfile writes the headers."""
    np.savez(path, **arrays)


@pytest.mark.parametrize("save", [npz.write, savez, lambda path, arrays: _stored(path)])
def test_what_writers_write_is_whole(tmp_path: Path, save: Callable[..., None]) -> None:
    path = tmp_path / "x.npz"
    save(path, {"a": np.zeros(3), "b": np.zeros(0)})
    assert kinds(path) == []


@pytest.mark.parametrize(
    ("size", "stored", "expected"), [(5, 5, []), (6, 5, ["zip-hidden"]), (5, 6, ["zip-hidden"])]
)
def test_sizes_that_python_3_10_writes_twice_are_the_same(
    tmp_path: Path, size: int, stored: int, expected: list[str]
) -> None:
    """Its zipfile adds sizes of 64 bits to the short ones; later ones write those alone."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("a", b"12345")
    raw = local(path.read_bytes(), 28, struct.pack("<H", 20))
    wide = struct.pack("<2H2Q", 1, 16, size, stored)
    path.write_bytes(moved(raw[:31] + wide + raw[31:], len(wide)))
    assert kinds(path) == expected


def _stored(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("ä/b", b"x")
        target.writestr("empty", b"")


def test_large_archive_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above 2 GiB zipfile writes 64-bit headers; the bound is lowered here."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as target:
        for name in "abc":
            target.writestr(name, name * 100)
    raw = path.read_bytes()
    assert b"PK\6\6" in raw
    assert kinds(path) == []
    path.write_bytes(put(raw, raw.index(b"PK\6\6") + 32, struct.pack("<Q", 7)))
    assert kinds(path) == ["zip-hidden"]
    path.write_bytes(put(raw, raw.index(b"PK\6\6") + 4, struct.pack("<Q", 45)))
    assert kinds(path) == ["zip-hidden"]


HIDDEN: dict[str, Bytes] = {
    "in front": lambda raw: b"#!/bin/sh\n" + raw,
    "in front, and counted": lambda raw: _shifted(raw, b"#!/bin/sh\n"),
    "before the directory": lambda raw: moved(
        raw[: directory_of(raw)] + b"{}" + raw[directory_of(raw) :], 2
    ),
    "after the directory": lambda raw: raw[: end_of(raw)] + b"{}" + raw[end_of(raw) :],
    "at the end": lambda raw: raw + b"#!/bin/sh\n",
    "in a comment": lambda raw: raw[:-2] + struct.pack("<H", 3) + b"abc",
    "in a comment that is not said": lambda raw: raw[:-2] + struct.pack("<H", 3),
    "in the extra field of the directory": lambda raw: _longer(raw, 30),
    "in the comment of a member": lambda raw: _longer(raw, 32),
    "in the extra field of a member": lambda raw: local(raw, 28, struct.pack("<H", 21)),
    "on another disk": lambda raw: put(raw, end_of(raw) + 4, b"\1"),
    "fewer members than are there": lambda raw: put(raw, end_of(raw) + 8, b"\1\0\1\0"),
    "a damaged directory": lambda raw: central(raw, 0, b"PK\1\3"),
    "no member where it should be": lambda raw: local(raw, 0, b"PK\3\5"),
    "a second archive": lambda raw: raw + raw,
}


def _shifted(raw: bytes, more: bytes) -> bytes:
    """Put bytes in front, and let every place count from there."""
    start, end = directory_of(raw), end_of(raw)
    entries = bytearray(raw[start:end])
    at = 0
    while at < len(entries):
        offset = struct.unpack_from("<I", entries, at + 42)[0]
        struct.pack_into("<I", entries, at + 42, offset + len(more))
        at += 46 + sum(struct.unpack_from("<3H", entries, at + 28))
    return moved(more + raw[:start] + bytes(entries) + raw[end:], len(more))


def _longer(raw: bytes, field: int) -> bytes:
    """Give the first entry of the directory four bytes more, in the field of that length."""
    start, end = directory_of(raw), end_of(raw)
    size = 46 + struct.unpack_from("<H", raw, start + 28)[0]
    longer = raw[: start + size] + b"evil" + raw[start + size :]
    longer = put(longer, start + field, struct.pack("<H", 4))
    return put(longer, end + 4 + 12, struct.pack("<I", end - start + 4))


@pytest.mark.parametrize("name", HIDDEN)
def test_no_byte_is_beside_the_members(path: Path, name: str) -> None:
    path.write_bytes(HIDDEN[name](path.read_bytes()))
    assert kinds(path)
    assert set(kinds(path)) <= {"zip-hidden", "unreadable"}


DIFFERENT: dict[str, Bytes] = {
    "flags": lambda raw: local(raw, 6, b"\0\10"),
    "descriptor": lambda raw: central(local(raw, 6, b"\10\0"), 8, b"\10\0"),
    "date": lambda raw: local(raw, 12, b"\x77\x77"),
    "checksum": lambda raw: local(raw, 14, b"\0\0\0\0"),
    "name": lambda raw: local(raw, 30, b"z"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_both_headers_say_the_same(path: Path, name: str) -> None:
    path.write_bytes(DIFFERENT[name](path.read_bytes()))
    assert kinds(path) == ["zip-header"]


@pytest.mark.parametrize(("field", "width"), [(18, 4), (22, 4)])
def test_both_headers_have_the_same_sizes(path: Path, field: int, width: int) -> None:
    path.write_bytes(local(path.read_bytes(), field, b"\1" * width))
    assert kinds(path) in (["zip-header"], ["zip-hidden"])


def test_member_is_no_link(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as target:
        link = zipfile.ZipInfo("config.json")
        link.external_attr = 0o120777 << 16
        target.writestr(link, "/etc/passwd")
    (fault,) = archive.inspect(path, path.name, ANY)
    assert fault.message == "is no regular file to programs that unpack the archive"


def test_every_byte_counts(path: Path) -> None:
    """One byte more, anywhere in the archive: no place takes it."""
    raw = path.read_bytes()
    for at in range(0, len(raw) + 1, max(1, len(raw) // 200)):
        path.write_bytes(raw[:at] + b"\0" + raw[at:])
        assert kinds(path), f"a byte more at {at} of {len(raw)}"
