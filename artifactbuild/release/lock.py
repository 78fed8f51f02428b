"""The lock: digests of every input and output of the released version, beside the manifest."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild.data import Mismatch, decode, dumps
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release.record import Inputs

VERSION = 1
SUFFIX = ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One released artifact: its options, and the digest of every file in its folder."""

    options: Mapping[str, Any]
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What `model.artifact.lock` says; the fields are its keys."""

    lock_version: int
    model: str
    version: str
    created_at: str
    environment: Mapping[str, str]
    inputs: Inputs
    artifacts: Mapping[str, Locked]


def path_of(manifest: Path) -> Path:
    """Return where a manifest's lock lies: `model.artifact.yaml` has `model.artifact.lock`."""
    return manifest.with_suffix(SUFFIX)


def read(manifest: Path, shown: str) -> Lock | None:
    """Return the lock of a manifest, None if there is none; `shown` names its folder in problems.

    Raises:
        Refusal: when the file is not a lock that we know.
    """
    path = path_of(manifest)
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        found = data.get("lock_version") if isinstance(data, dict) else None
        if found != VERSION:
            raise Mismatch(f"lock_version is {found!r}, this artifactbuild reads {VERSION}")
        return decode(Lock, data)
    except ValueError as error:
        message = f"not a lock: {error}"
        hint = "restore it with `git checkout`, or remove it and run `artifactbuild build`"
        raise Refusal(Problem(file=shown, message=message, hint=hint)) from None


def write(lock: Lock, manifest: Path) -> bool:
    """Write the lock if it says something new, whole or not at all; tell whether it did."""
    path, text = path_of(manifest), dumps(lock).encode()
    if path.exists() and path.read_bytes() == text:
        return False
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return True
