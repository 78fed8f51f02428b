"""The bytes of a zip archive: members, directory and end follow one another, and say the same.

Readers differ on which of two headers counts, and what lies between members is another file to
whoever looks for it there. So nothing may be left over, and nothing may be there in two versions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_WIDE = struct.Struct("<2H2Q")
FULL = 0xFFFFFFFF
"""What stands for a number that only the 64-bit field has."""

FULL_COUNT = 0xFFFF
ZIP64 = 1
UTF8 = 0x800
ENCRYPTED = 0x1

LARGEST_DIRECTORY = 64 << 20


class Torn(Exception):
    """The bytes are no archive of which all parts are accounted for; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A member as the directory has it."""

    name: bytes
    flags: int
    same: tuple[int, ...]
    """Method, time, date and checksum, which the member's own header repeats."""
    stored: int
    size: int
    offset: int


def faults(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield kind, member and message of each difference from members that tile the file.

    Raises:
        Torn: when end or directory of the archive cannot be followed at all.
    """
    with path.open("rb") as file:
        start, end, count = _directory(file, path.stat().st_size)
        parts = _parts(file, start, end)
        if len(parts) != count:
            raise Torn(f"its directory has {len(parts)} members, and says {count}")
        reached = 0
        for part in sorted(parts, key=lambda each: each.offset):
            name = part.name.decode(errors="replace")
            if part.offset < reached:
                yield "zip-overlap", name, "lies inside the member before it"
                return
            if part.offset > reached:
                raise Torn(BESIDE)
            header, differences = _own_header(file, part)
            yield from (("zip-header", name, message) for message in differences)
            reached = part.offset + header + part.stored
        if reached != start:
            raise Torn(BESIDE)


BESIDE = "holds bytes beside its members: another program may read it as something else"


def _directory(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Return where the directory begins and ends, and how many members it says it has."""
    if size < _END.size:
        raise Torn("has no end of an archive")
    file.seek(size - _END.size)
    mark, disk, first, here, count, length, start, comment = _END.unpack(file.read(_END.size))
    if mark != b"PK\5\6" or comment:
        raise Torn(BESIDE)
    end = size - _END.size
    if start + length != end:  # then only the 64-bit end may lie between
        end -= _LOCATOR.size + _END64.size
        here, count, length, start = _large(file, end, (here, count, length, start))
    if disk or first or here != count:
        raise Torn("is part of several archives")
    if start + length != end:
        raise Torn(BESIDE)
    return start, end, count


def _large(file: BinaryIO, at: int, small: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Read the 64-bit end of an archive; the short one must have the same numbers, or be full."""
    if at < 0:
        raise Torn(BESIDE)
    file.seek(at)
    mark, length, _, _, disk, first, *numbers = _END64.unpack(file.read(_END64.size))
    second, on, where, disks = _LOCATOR.unpack(file.read(_LOCATOR.size))
    if (mark, second) != (b"PK\6\6", b"PK\6\7") or (disk, first, on, disks) != (0, 0, 0, 1):
        raise Torn(BESIDE)
    fulls = (FULL_COUNT, FULL_COUNT, FULL, FULL)
    same = all(a in (b, full) for a, b, full in zip(small, numbers, fulls, strict=True))
    if length != _END64.size - 12 or where != at or not same:
        raise Torn("has two ends that say different things")
    here, count, size, start = numbers
    return here, count, size, start


def _parts(file: BinaryIO, start: int, end: int) -> list[Part]:
    """Read the directory."""
    if end - start > LARGEST_DIRECTORY:
        raise Torn("has a directory that is too large")
    file.seek(start)
    raw, at, parts = file.read(end - start), 0, []
    while at < len(raw):
        if len(raw) - at < _CENTRAL.size or raw[at : at + 4] != b"PK\1\2":
            raise Torn("has a damaged directory")
        fields = _CENTRAL.unpack_from(raw, at)
        flags, (stored, size) = fields[3], fields[8:10]
        length, extra, comment, disk = fields[10:14]
        name = raw[at + _CENTRAL.size :][:length]
        wide = raw[at + _CENTRAL.size + length :][:extra]
        stored, size, offset = _widened((size, stored, fields[16]), wide)
        if comment or disk:
            raise Torn(BESIDE)
        part = Part(
            name=name, flags=flags, same=fields[4:8], stored=stored, size=size, offset=offset
        )
        parts.append(part)
        at += _CENTRAL.size + length + extra
    return parts


def _widened(small: tuple[int, int, int], extra: bytes) -> tuple[int, int, int]:
    """Return stored size, size and offset, with the 64-bit ones for those that are full.

    Raises:
        Torn: when the extra field holds anything else.
    """
    wide = [n for n, number in enumerate(small) if number == FULL]
    expected = struct.pack("<2H", ZIP64, 8 * len(wide)) if wide else b""
    if extra[:4] != expected or len(extra) != len(expected) + 8 * len(wide):
        raise Torn(BESIDE)
    numbers = list(small)
    for n, number in zip(wide, struct.unpack(f"<{len(wide)}Q", extra[4:]), strict=True):
        numbers[n] = number
    size, stored, offset = numbers
    return stored, size, offset


def _own_header(file: BinaryIO, part: Part) -> tuple[int, list[str]]:
    """Return the bytes that a member's own header takes, and what it says otherwise."""
    file.seek(part.offset)
    raw = file.read(_LOCAL.size)
    if len(raw) < _LOCAL.size or raw[:4] != b"PK\3\4":
        raise Torn("has a directory that points to no member")
    fields = _LOCAL.unpack(raw)
    flags, (stored, size, length, extra) = fields[2], fields[7:]
    name, wide = file.read(length), file.read(extra)
    if (stored, size) == (FULL, FULL) and extra == 20:  # as NumPy writes members of any size
        stored, size, _ = _widened((size, stored, 0), wide)
    elif extra and wide != _WIDE.pack(ZIP64, 16, size, stored):  # Python 3.10 writes them twice
        raise Torn(BESIDE)
    differences = [] if name == part.name else ["has another name in its own header"]
    if flags != part.flags or flags & ~(UTF8 | ENCRYPTED):
        differences.append("has flags that artifactbuild does not write")
    if (*fields[3:7], stored, size) != (*part.same, part.stored, part.size):
        differences.append("has another size, checksum, date or method in its own header")
    return _LOCAL.size + length + extra, differences
