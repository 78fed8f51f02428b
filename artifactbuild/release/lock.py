"""The lock: digests of every input and output of the released version, beside the manifest."""

from __future__ import annotations

import glob
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild.data import Mismatch, decode, dumps
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import alive, durable
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
    """Write the lock if it says something new, whole or not at all; tell whether it did.

    Two that write at once are followed by one of their two texts, whole.

    Raises:
        Refusal: when the folder cannot be written.
    """
    path, text = path_of(manifest), dumps(lock).encode()
    try:
        _clear_dead(path)
        if path.exists() and path.read_bytes() == text:
            return False
        while not _replaced(path, text):
            pass
        durable.sync(path.parent)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        message = f"the lock cannot be written: {reason}"
        hint = "repair this and run the same command again: what is published stays as it is"
        raise Refusal(Problem(file=str(path), message=message, hint=hint)) from error
    return True


def _replaced(path: Path, text: bytes) -> bool:
    """Put a new file in the place of the old one; False if it was taken for a dead writer's."""
    descriptor, name = tempfile.mkstemp(prefix=_prefix(path), dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file, alive.hold(temporary, 0) as state:
            file.write(text)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
            if state in (alive.OURS, alive.UNKNOWN):
                os.replace(temporary, path)
                return True
    except FileNotFoundError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return False


def _clear_dead(path: Path) -> None:
    """Remove the temporary files of writers that died."""
    for temporary in path.parent.glob(glob.escape(_prefix(path)) + "*"):
        with suppress(OSError), alive.hold(temporary, 0) as state:
            if state == alive.OURS:
                temporary.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    return f".{path.name}.new-"
