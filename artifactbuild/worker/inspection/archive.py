"""Zip archives: members by name, stored as they are, once each, and nothing beside them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from artifactbuild.release import tree
from artifactbuild.release.fault import Fault

ENCRYPTED = 0x1
LARGEST_NAME = 1024
LOCAL_HEADER = 30
"""Bytes of a member's own header before its name and data."""


def inspect(path: Path, file: str, expected: re.Pattern[str]) -> Iterator[Fault]:
    """Find members that do not belong in the archive, and ways to hide or to blow up content.

    All archives of ours are stored without compression, so no member is larger than its file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            yield from _hidden(archive, file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        yield Fault(kind="unreadable", file=file, message=f"is no zip archive: {error}")
        return
    seen: set[str] = set()
    for member in members:
        yield from _of(member, file, expected)
        if member.filename in seen:
            message = "is there twice: readers differ on which one counts"
            yield Fault(kind="zip-duplicate", file=file, at=member.filename, message=message)
        seen.add(member.filename)
    for first, second in tree.collisions(seen):
        message = f"is the same name as {first!r} where case does not count"
        yield Fault(kind="name-collision", file=file, at=second, message=message)
    yield from _overlapping(members, file)


def _of(member: zipfile.ZipInfo, file: str, expected: re.Pattern[str]) -> Iterator[Fault]:
    at = member.filename[:LARGEST_NAME]
    if why := tree.bad_name(member.filename):
        yield Fault(kind="zip-name", file=file, at=at, message=f"a member's name {why}")
    elif not expected.fullmatch(member.filename):
        message = "is no member that artifactbuild writes there"
        yield Fault(kind="zip-member", file=file, at=at, message=message)
    if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
        message = (
            f"is compressed, {member.compress_size} bytes to {member.file_size}; "
            "artifactbuild stores members as they are"
        )
        yield Fault(kind="zip-compressed", file=file, at=at, message=message)
    if member.flag_bits & ENCRYPTED:
        yield Fault(kind="zip-encrypted", file=file, at=at, message="is encrypted")


def _hidden(archive: zipfile.ZipFile, file: str) -> Iterator[Fault]:
    """Find bytes before the first member or a comment at the end: a second file in the first."""
    members = archive.infolist()
    first = min((member.header_offset for member in members), default=0)
    if first or archive.comment:
        message = "holds bytes beside its members: another program may read it as something else"
        yield Fault(kind="zip-hidden", file=file, message=message)


def _overlapping(members: list[zipfile.ZipInfo], file: str) -> Iterator[Fault]:
    """Find members whose bytes are also those of another one."""
    end = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < end:
            message = "lies inside the member before it"
            yield Fault(kind="zip-overlap", file=file, at=member.filename, message=message)
        name = len(member.filename.encode())
        end = member.header_offset + LOCAL_HEADER + name + member.compress_size
