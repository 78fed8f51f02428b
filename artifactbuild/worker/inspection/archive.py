"""Zip archives: members by name, stored as they are, once each, and nothing beside them."""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from artifactbuild.release import tree
from artifactbuild.release.fault import Fault
from artifactbuild.worker.inspection import tiling

LARGEST_NAME = 1024
KIND = 0o170000
"""The bits of a file's mode that say what it is."""


def inspect(path: Path, file: str, expected: re.Pattern[str]) -> Iterator[Fault]:
    """Find members that do not belong in the archive, and ways to hide or to blow up content.

    All archives of ours are stored without compression, so no member is larger than its file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
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
    yield from _tiling(path, file)


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
    if member.flag_bits & tiling.ENCRYPTED:
        yield Fault(kind="zip-encrypted", file=file, at=at, message="is encrypted")
    if (member.external_attr >> 16) & KIND not in (0, stat.S_IFREG):
        message = "is no regular file to programs that unpack the archive"
        yield Fault(kind="zip-member", file=file, at=at, message=message)


def _tiling(path: Path, file: str) -> Iterator[Fault]:
    """Find bytes that are of no member, and members that are there in two versions."""
    try:
        for kind, name, message in tiling.faults(path):
            at = name[:LARGEST_NAME]
            yield Fault(kind=kind, file=file, at=at, message=message)
    except tiling.Torn as torn:
        yield Fault(kind="zip-hidden", file=file, message=str(torn))
