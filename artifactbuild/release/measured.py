"""What this machine measured of a version that was released elsewhere.

An artifact states the figures of its release. Those of a rebuild lie beside them, under
`<root>/.measured/<model>/<format>/<version>.json`, and go into the attestation of this machine.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.data import Mismatch, decode, dumps, loads
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import durable
from artifactbuild.release.record import MAX_BYTES, Check, Measure, Record

FOLDER = ".measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What validation found on one machine, and the environment that it ran in."""

    environment: Mapping[str, str]
    checks: tuple[Check, ...]
    measures: tuple[Measure, ...]


def file_of(root: Path, made: Record) -> Path:
    """Return where the figures of an artifact lie that were measured here."""
    return root / FOLDER / made.model_name / made.format / f"{made.version}.json"


def keep(root: Path, made: Record) -> None:
    """Write what was measured for a record, whole or not at all.

    Raises:
        OSError: when the disk fails.
    """
    file = file_of(root, made)
    found = Measured(environment=made.environment, checks=made.checks, measures=made.measures)
    durable.make_folder(file.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(dumps(found))
        os.chmod(name, 0o644)
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(root: Path, made: Record) -> Measured | None:
    """Return what was measured here for an artifact; None if nothing was, or it is no such file."""
    try:
        return decode(Measured, loads(bounded(file_of(root, made), MAX_BYTES, follow=False)))
    except (Unreadable, Mismatch):
        return None
