"""A payload of the version before, published again under a new version's name.

Where nothing but texts changed since the last version, a rebuild would give its payload once more.
What is published here of it, and is what its lock names, is copied with its proof.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from artifactbuild import acceptance
from artifactbuild import plan as planning
from artifactbuild.job import Job, inputs_now
from artifactbuild.plan import Step
from artifactbuild.problems import Refusal
from artifactbuild.recording import Complete, completed
from artifactbuild.release import damage, durable, environment, record, verify
from artifactbuild.release.lock import Lock
from artifactbuild.release.record import Record
from artifactbuild.worker.settings import recorded


def reusable(work: Job, steps: tuple[Step, ...]) -> tuple[Record, ...]:
    """Return the records of the last version if a build would only make its payloads again.

    None are returned unless all can be: formats of one version are of one build.
    """
    last = work.lock
    if last is None or last.version == work.version or last.model != work.name or not steps:
        return ()
    if not all(_is_made_alike(last, step) for step in steps) or not _is_same(last, work):
        return ()
    folders = {s.format: work.store.folder(work.name, s.format, last.version) for s in steps}
    if not all(folder.is_dir() for folder in folders.values()):
        return ()
    records = []
    for format, found in damage.look(folders).items():
        locked = last.artifacts[format]
        wrong = damage.of(folders[format], found, locked, last)
        if found.made is None or wrong or not locked.is_payload(found.files):
            return ()
        records.append(found.made)
    return tuple(records)


def taken(work: Job, made: Record, staged: Path, created_at: str) -> Complete:
    """Copy a payload of the last version into a staging folder, with a record of this version.

    Raises:
        Refusal: when what is there is not what its record says any more.
    """
    assert work.lock is not None
    folder = staged / made.format
    folder.mkdir()
    source = work.store.folder(work.name, made.format, work.lock.version)
    if verify.check(source, folder) != made:
        message = f"{made.format} of {made.version} changed while it was read"
        raise Refusal(work.problem(("formats", made.format), message, "run the command again"))
    durable.protect(folder)
    (folder / record.FILE).unlink()
    manifest = work.loaded.manifest
    own = replace(
        made,
        version=work.version,
        created_at=created_at,
        about=manifest.about,
        data=manifest.data,
        evaluation=manifest.evaluation,
        notes=manifest.notes,
        training={**_compiled(made), **manifest.training},
        inputs=inputs_now(work, [work.lock.inputs]),
    )
    return completed(work, own, folder)


def _is_made_alike(last: Lock, step: Step) -> bool:
    """Tell whether the last version had a format with the same options, by the same writer."""
    locked = last.artifacts.get(step.format)
    return (
        step.action == planning.BUILD
        and locked is not None
        and dict(locked.options) == dict(step.options)
        and not planning.rewriting(step.format, last)
    )


def _is_same(last: Lock, work: Job) -> bool:
    """Tell whether a build from today's inputs would be the last version's, but for its texts."""
    if last.inputs.stated:  # the released records say of the manifest what it said then
        return False
    now = inputs_now(work, [last.inputs])
    if planning.changes(last.inputs, now):
        return False
    here = environment.here(recorded(work.processor), work.formats)
    return not environment.library_drift(acceptance.accepted(last, here), here)


def _compiled(made: Record) -> dict[str, object]:
    """Return what the model itself tells of its training, without the texts of the manifest."""
    return {k: made.training[k] for k in ("optimizer", "loss", "metrics") if k in made.training}
