"""One side of a comparison: what a revision, a manifest, a lock or a folder tells of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from artifactbuild import examining, plan
from artifactbuild.job import Job, inputs_now
from artifactbuild.manifest import load, schema, text
from artifactbuild.manifest.model import Manifest
from artifactbuild.problems import Refusal
from artifactbuild.release import digest, lock, locking, record
from artifactbuild.release.diff.nouns import Side
from artifactbuild.release.lock import Lock, Locked
from artifactbuild.release.record import Inputs
from artifactbuild.release.store import Store

Folders = Mapping[str, Path]
"""Where the artifacts of a side are, by format; their records are those that the lock names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One side, where its manifest is or would be, and its artifacts if they are at hand."""

    side: Side
    path: Path
    folders: Folders


def with_locks(manifests: Sequence[str]) -> list[str]:
    """Return the paths of manifests, and of the locks that lie beside them."""
    return [*manifests, *(_locked_by(path) for path in manifests)]


def _locked_by(manifest: str) -> str:
    return lock.path_of(Path(manifest)).as_posix()


def at_revision(
    top: Path, held: Mapping[str, bytes], path: str, label: str, artifacts: Path | None
) -> Placed:
    """Read a manifest and its lock from a commit's files; an unsound one is told by its lock."""
    shown = f"{label}:{path}"
    document = text.read(held[path], shown)
    unsound = [*document.problems, *schema.check(document)]
    place = _locked_by(path)
    raw = held.get(place)
    known = lock.parsed(raw, f"{label}:{place}") if raw is not None else None
    if unsound and known is None:
        raise Refusal(*unsound)
    data = None if unsound else _full(document.data)
    manifest = None if unsound else Manifest.from_data(document.data)
    version = data["version"] if data is not None else known.version if known else ""
    name = data["name"] if data is not None else known.model if known else ""
    return _placed(
        Side(
            label=label,
            file=path,
            model=name,
            version=version,
            manifest=data,
            requested=_requested(manifest) if manifest is not None else None,
            lock=known if known is not None and known.version == version else None,
            records={},
        ),
        top / path,
        _store(top / path, artifacts),
    )


def of_artifact(folder: Path, argument: str) -> Placed:
    """Take one published version, by its record alone."""
    made = record.read(folder)
    side = Side(
        label=argument,
        file=argument,
        model=made.model_name,
        version=made.version,
        lock=locking.of({made.format: made}, {made.format: digest.of_folder(folder)}, None),
        records={made.format: made},
    )
    return Placed(side=side, path=folder, folders={made.format: folder})


def of_job(work: Job, label: str) -> Placed:
    """Take a manifest of the working tree, with the lock beside it if that is of its version."""
    side = Side(
        label=label,
        file=work.loaded.document.file,
        model=work.name,
        version=work.version,
        manifest=_full(work.loaded.document.data),
        requested=_requested(work.loaded.manifest),
        lock=work.memory,
        records={},
        pending=_pending(work),
    )
    return _placed(side, work.loaded.path, work.store)


def _pending(work: Job) -> tuple[str, ...]:
    """Say what changed since the lock was written; of an earlier version, in its sources alone."""
    if work.lock is None:
        return ()
    if work.memory is None:
        before = work.lock.inputs
        now = inputs_now(work, [before])
        return plan.changes(_texts_alone(before), _texts_alone(now))
    steps = examining.plan(examining.see(work)).steps
    return tuple(dict.fromkeys(change for step in steps for change in step.changes))


def _texts_alone(inputs: Inputs) -> Inputs:
    """Leave out the keys of the manifest but those by which a card's template is known."""
    kept = {key: value for key, value in inputs.manifest.items() if key in plan.TEXT}
    return replace(inputs, manifest=kept)


def of_lock(known: Lock, label: str, path: Path, artifacts: Path | None) -> Placed:
    """Take a lock by itself; `path` is where it lies or would."""
    side = Side(
        label=label, file=label, model=known.model, version=known.version, lock=known, records={}
    )
    return _placed(side, path, _store(path, artifacts))


def _placed(side: Side, path: Path, store: Store) -> Placed:
    """Find the artifacts of a side: those in the store whose record is the one that it locks."""
    folders = {
        format: folder
        for format, locked in (side.lock.artifacts.items() if side.lock is not None else ())
        if _is_that(folder := store.folder(side.model, format, side.version), locked)
    }
    records = {format: record.read(folder) for format, folder in folders.items()}
    return Placed(side=replace(side, records=records), path=path, folders=folders)


def _is_that(folder: Path, locked: Locked) -> bool:
    file = folder / record.FILE
    return file.is_file() and digest.of_file(file) == locked.files.get(record.FILE)


def _store(manifest: Path, artifacts: Path | None) -> Store:
    root = artifacts if artifacts is not None else load.project_of(manifest) / "artifacts"
    return Store(root=root)


def _requested(manifest: Manifest) -> dict[str, Mapping[str, Any]]:
    return {request.name: request.options for request in manifest.formats}


def _full(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest's data with every default, formats as a mapping."""
    formats = data["formats"]
    named = {name: {} for name in formats} if isinstance(formats, list) else formats
    own = {"version": str(data["version"]), "formats": {k: v or {} for k, v in named.items()}}
    return schema.defaults({**data, **own})
