"""The facts of a release, for a lock of an artifactbuild that did not keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from artifactbuild.job import Job
from artifactbuild.problems import Refusal
from artifactbuild.release import adoption, digest, record, revisions
from artifactbuild.release.lock import Lock
from artifactbuild.release.record import Record


def published(work: Job, memory: Lock) -> Lock | None:
    """Return a lock with the facts that the published records state; None if they are not here."""
    records = {format: made for format in memory.artifacts if (made := released(work, format))}
    return taken(memory, records)


def released(work: Job, format: str) -> Record | None:
    """Return the record of a published format, if it is the one that the lock names."""
    locked, file = work.locked(format), work.folder(format) / record.FILE
    if locked is None or not file.is_file():
        return None
    if digest.of_file(file) != locked.files.get(record.FILE):
        return None
    try:
        return record.read(file.parent)
    except Refusal:
        return None


def taken(memory: Lock, records: Mapping[str, Record]) -> Lock | None:
    """Return a lock with the facts of released records.

    None if a format lacks, or if a rebuild could not state again what a record states.
    """
    if set(records) != set(memory.artifacts):
        return None
    found = adoption.release(records, None)
    # Before revisions were recorded, all writers had the first one; records tell their own.
    first = dict.fromkeys(found.revisions, revisions.FIRST)
    own = {revisions.METADATA: max(made.revision for made in records.values())}
    made = replace(memory, release=replace(found, revisions={**first, **own}))
    apart = {format: adoption.apart(each, made) for format, each in records.items()}
    artifacts = {
        format: replace(each, own=apart[format]) if apart[format] else each
        for format, each in made.artifacts.items()
    }
    made = replace(made, artifacts=artifacts)
    same = all(adoption.adopted(each, made) == each for each in records.values())
    return made if same else None
