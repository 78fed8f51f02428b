"""Read what an `.npz` holds from the headers of its arrays, without numpy."""

from __future__ import annotations

import ast
import lzma
import math
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

KINDS = {"f": "float", "i": "int", "u": "uint", "b": "bool"}
MAX_HEADER = 1 << 16


_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(RuntimeError, EOFError, ValueError, OverflowError),
)
"""What the readers of archives raise for damaged ones."""


class Unreadable(Exception):
    """The file is no intact archive of arrays; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """The header of one array: its dtype in our words and its shape."""

    dtype: str
    shape: tuple[int, ...]


def headers(path: Path) -> dict[str, Array]:
    """Give the arrays of an `.npz` by name."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                member.filename.removesuffix(".npy"): _array(archive, member)
                for member in archive.infolist()
            }
    except _DAMAGE as error:
        raise Unreadable("not an .npz archive, or a damaged one") from error


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    with archive.open(member) as stream:
        text = _header(stream, member.filename)
        size = member.file_size - stream.tell()
    try:
        header = ast.literal_eval(text)
        described, shape = header["descr"], header["shape"]
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
        raise Unreadable(f"the header of {member.filename!r} is damaged") from error
    if not isinstance(shape, tuple) or not all(isinstance(each, int) for each in shape):
        raise Unreadable(f"the header of {member.filename!r} is damaged")
    dtype, width = _dtype(described)
    if width and size != width * math.prod(shape):
        raise Unreadable(f"{member.filename!r} is cut short")
    return Array(dtype=dtype, shape=shape)


def _header(stream: IO[bytes], name: str) -> str:
    magic = stream.read(8)
    if len(magic) < 8 or magic[:6] != b"\x93NUMPY":
        raise Unreadable(f"{name!r} is not an array")
    length = int.from_bytes(stream.read(2 if magic[6] == 1 else 4), "little")
    if length > MAX_HEADER:
        raise Unreadable(f"the header of {name!r} is damaged")
    return stream.read(length).decode("utf-8" if magic[6] == 3 else "latin-1", "replace").strip()


def _dtype(described: object) -> tuple[str, int]:
    """Give the dtype in our words, and the bytes of one value where they are known."""
    match = re.fullmatch(r"([<>|=])([a-zA-Z])([0-9]{0,9})", str(described))
    if match is None or not isinstance(described, str):
        return "structured", 0
    order, kind, digits = match.groups()
    width = int(digits or 0)
    if kind in "SU":
        return "string", width * (4 if kind == "U" else 1)
    if kind == "V" and width == 2:  # numpy has no bfloat16 of its own and writes it so
        return "bfloat16", width
    if kind not in KINDS:
        return {"O": "object"}.get(kind, described), 0
    name = "bool" if kind == "b" else f"{KINDS[kind]}{8 * width}"
    return f"{name} (big-endian)" if order == ">" and width > 1 else name, width
