"""SHA-256 of files, of folders and of plain data."""

from __future__ import annotations

import hashlib
import json
from io import FileIO
from pathlib import Path
from typing import Any

from artifactbuild.data import encode

_BLOCK = 1 << 20


def of_file(path: Path) -> str:
    """Return the sha256 of a file's content, in lower hexadecimal."""
    with open(path, "rb", buffering=0) as file:
        return of_stream(file)


def of_bytes(content: bytes) -> str:
    """Return the sha256 of bytes, in lower hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def of_stream(file: FileIO) -> str:
    """Return the sha256 of what an open file has yet to give, in lower hexadecimal."""
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def of_data(value: Any) -> str:
    """Return the sha256 of plain data or a noun, written as compact JSON with sorted keys."""
    text = json.dumps(encode(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def of_folder(folder: Path) -> dict[str, str]:
    """Return POSIX path -> sha256 of every file in a folder, sorted by path."""
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {name: of_file(files[name]) for name in sorted(files)}
