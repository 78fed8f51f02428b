"""The inspector: what an artifact's files contain, read in a child that loads none of them."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from artifactbuild import limits
from artifactbuild.data import decode
from artifactbuild.release import record
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Record
from artifactbuild.worker.blame import described
from artifactbuild.worker.formats import FORMATS
from artifactbuild.worker.formats.protocol import Trusted
from artifactbuild.worker.inspection import npz
from artifactbuild.worker.inspection.objects import Declaration, Unverified
from artifactbuild.worker.messages import InspectReport, InspectRequest, Tell

BESIDE = frozenset({record.FILE, record.CARD, record.REFERENCE})


def run(data: Mapping[str, Any], tell: Tell) -> InspectReport:
    """Do an inspection job: read the artifact's files and report the faults, sorted."""
    del tell
    request = decode(InspectRequest, data)
    limits.set_here(request.limits)
    found = list(_found(Path(request.folder), request))
    faults = [each for each in found if isinstance(each, Fault)]
    names = {each.name for each in found if isinstance(each, Unverified)}
    order = sorted(dict.fromkeys(faults), key=lambda f: (f.file, f.at, f.kind))
    return InspectReport(faults=tuple(order), unverified=tuple(sorted(names)))


def _found(folder: Path, request: InspectRequest) -> Iterator[Fault | Unverified]:
    """Yield faults; a parser that fails on the artifact is one more."""
    try:
        made = record.read(folder)
        if made.format not in FORMATS:
            message = f"is of the format {made.format!r}, expected one of {', '.join(FORMATS)}"
            yield Fault(kind="record", file=record.FILE, at="$.format", message=message)
            return
        trusted = Trusted(
            operations=frozenset(request.operations),
            lambdas=request.allow_lambda,
            declaration=_declaration(request),
        )
        yield from _unexpected(made, FORMATS[made.format].PAYLOAD)
        yield from npz.inspect(folder / record.REFERENCE, record.REFERENCE, npz.REFERENCE)
        yield from FORMATS[made.format].inspect(folder, made, trusted)
    except Exception as error:  # noqa: BLE001, whatever a parser raises on a hostile file
        traceback.print_exc()
        message = f"cannot be inspected: {described(error)}"
        yield Fault(kind="unreadable", file="", message=message)


def _declaration(request: InspectRequest) -> Declaration | None:
    if request.custom_objects is None:
        return None
    return Declaration(targets=frozenset(request.custom_objects), locked=request.locked)


def _unexpected(made: Record, payload: re.Pattern[str]) -> Iterator[Fault]:
    """Find files that the format does not have, though the record lists them."""
    for name in sorted(made.files):
        if name not in BESIDE and not payload.fullmatch(name):
            message = f"is no file of the format {made.format}"
            yield Fault(kind="payload", file=name, message=message)
