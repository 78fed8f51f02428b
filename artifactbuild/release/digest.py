"""SHA-256 of files, of folders and of plain data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from artifactbuild.data import encode
from artifactbuild.release.fingerprint import look

_BLOCK = 1 << 20

_MANY = 1 << 26
"""From how many bytes on threads hash side by side."""

_THREADS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """A file's digest, and how the file looked when that could no longer change unseen."""

    sha256: str
    look: str

    def of(self, path: Path) -> str:
        """Return the digest of the file as it is now; it is read only if it looks otherwise."""
        return self.sha256 if look(str(path)) == self.look else of_file(path)


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


def files(folder: Path) -> dict[str, Path]:
    """Return POSIX path -> path of every file in a folder."""
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


def of_folder(folder: Path) -> dict[str, str]:
    """Return POSIX path -> sha256 of every file in a folder, sorted by path."""
    return of_folders({"": folder})[""]


def of_folders(
    folders: Mapping[str, Path], known: Mapping[Path, Hashed] | None = None
) -> dict[str, dict[str, str]]:
    """Return for each folder POSIX path -> sha256 of every file in it, sorted by path.

    Files that are `known` are read only if they look otherwise by now.
    """
    named = {key: files(folder) for key, folder in folders.items()}
    digests = of_files([path for each in named.values() for path in each.values()], known)
    return {
        key: {name: digests[paths[name]] for name in sorted(paths)} for key, paths in named.items()
    }


def of_files(paths: Sequence[Path], known: Mapping[Path, Hashed] | None = None) -> dict[Path, str]:
    """Return the sha256 of every file; much is hashed by several threads, the largest first.

    Files that are `known` are read only if they look otherwise by now.
    """
    seen = {path: known[path].of(path) for path in paths if path in known} if known else {}
    sizes = {path: path.stat().st_size for path in paths if path not in seen}
    if sum(sizes.values()) < _MANY:
        return {**seen, **{path: of_file(path) for path in sizes}}
    from concurrent.futures import ThreadPoolExecutor  # a short command has little to hash

    ordered = sorted(sizes, key=lambda path: -sizes[path])
    with ThreadPoolExecutor(_THREADS) as pool:
        return {**seen, **dict(zip(ordered, pool.map(of_file, ordered), strict=True))}
