"""What there is: the inputs as they are now, what is published, what follows, and from which files.

Runs no code of the project and starts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from artifactbuild import contents, searching
from artifactbuild import plan as planning
from artifactbuild.contents import Watched
from artifactbuild.job import Job, manifest_digests, shown, source_digests
from artifactbuild.manifest import sources
from artifactbuild.manifest.model import Manifest
from artifactbuild.plan import Current, Plan, Published
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import digest, environment, lock, locking, record
from artifactbuild.release.digest import Hashed
from artifactbuild.release.record import Inputs, Record
from artifactbuild.worker.settings import RECORDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a manifest's version: by format, its records and its files' digests.

    `unreadable` has the problem of each format whose record cannot be read.
    """

    work: Job
    records: Mapping[str, Record]
    files: Mapping[str, Mapping[str, str]]
    unreadable: Mapping[str, Problem]

    @property
    def published(self) -> dict[str, Published]:
        """What is published of the formats that the manifest asks for."""
        return {
            format: Published(inputs=made.inputs, options=made.options, files=self.files[format])
            for format, made in self.records.items()
        }

    @property
    def remembered(self) -> list[Inputs]:
        """What earlier builds of this version were made from."""
        locked = [self.work.memory.inputs] if self.work.memory is not None else []
        return [*(made.inputs for made in self.records.values()), *locked]


def see(work: Job, known: Mapping[Path, Hashed] | None = None) -> Seen:
    """Read the records of what is published of a manifest's version, and hash its files.

    Files that are `known` are read only if they look otherwise by now.
    """
    records: dict[str, Record] = {}
    unreadable: dict[str, Problem] = {}
    for format in work.formats:
        folder = work.folder(format)
        if work.store.is_published(work.name, format, work.version):
            try:
                records[format] = record.read(folder)
            except Refusal as refusal:
                hint = f"`rm -r {shown(folder)}`, then build it again"
                unreadable[format] = replace(refusal.problems[0], hint=hint)
    files = digest.of_folders({format: work.folder(format) for format in records}, known)
    return Seen(work=work, records=records, files=files, unreadable=unreadable)


def current(seen: Seen) -> Current:
    """Return what would go into a build now, of the sources that earlier builds read."""
    work = seen.work
    return Current(
        inputs=inputs(work, seen.remembered),
        environment=environment.here(RECORDED, work.formats),
        kind=_known_kind(work) if _asks_for_kind(seen) else None,
    )


def inputs(work: Job, remembered: Iterable[Inputs]) -> Inputs:
    """Return the inputs as they are now, of the sources that earlier builds read."""
    names = sorted({name for each in remembered for name in each.sources})
    return Inputs(manifest=manifest_digests(work), sources=source_digests(work, names))


def plan(seen: Seen) -> Plan:
    """Decide what would be done.

    Raises:
        Refusal: when a published record cannot be read.
    """
    if seen.unreadable:
        raise Refusal(*seen.unreadable.values())
    work = seen.work
    return planning.make(work.loaded.manifest, current(seen), work.lock, seen.published)


def refusals(work: Job, made: Plan) -> tuple[Problem, ...]:
    """Return the located problem of a plan that cannot be carried out."""
    refused = made.of(planning.REFUSE)
    if not refused:
        return ()
    impossible = [step for step in refused if step.impossible]
    if impossible:
        return tuple(
            work.problem(("formats", s.format), s.reason, f"leave {s.format} out of `formats:`")
            for s in impossible
        )
    what = list(dict.fromkeys(change for step in refused for change in step.changes))
    message = f"{work.name} {work.version} was released from other inputs: {'; '.join(what)}"
    file = work.loaded.document.file
    hint = f"a released version never changes: run `artifactbuild bump {file}`"
    return (work.problem(("version",), message, hint),)


def writes_nothing(seen: Seen) -> bool:
    """Tell whether the lock has every format, and says what a build would write into it."""
    memory = seen.work.memory
    if memory is None or not set(seen.records) == set(seen.work.formats) <= set(memory.artifacts):
        return False
    written = lock.path_of(seen.work.loaded.path).read_bytes()
    return written == lock.text(locking.of(seen.records, {}, memory)).encode()


def watched(seen: Seen) -> tuple[Watched, ...]:
    """Return all that the answer came from."""
    return (_beside(seen), *_stored(seen))


def _beside(seen: Seen) -> Watched:
    """Watch the manifest, its lock, and every file that it names, was built from or imports."""
    path, manifest = seen.work.loaded.path, seen.work.loaded.manifest
    lock_name = lock.path_of(path).name
    present, absent = ([lock_name], []) if seen.work.lock is not None else ([], [lock_name])
    modules = (os.path.relpath(place, path.parent) for place in _modules(seen.work))
    made_from = {name for inputs in seen.remembered for name in inputs.sources}
    named = {path.name, *present, *made_from, *_named(manifest), *modules}
    return contents.files(str(path.parent), named, absent)


def _named(manifest: Manifest) -> Iterator[str]:
    """Yield the files that a manifest names, relative to its folder."""
    if manifest.weights is not None:
        yield manifest.weights.path
    if manifest.evaluate is not None:
        yield manifest.evaluate.file
    if manifest.card_template is not None:
        yield manifest.card_template
    yield from manifest.assets
    yield from (case.file for case in manifest.reference_inputs if case.file is not None)
    yield from (f.options["calibration"] for f in manifest.formats if "calibration" in f.options)


def _modules(work: Job) -> Iterator[str]:
    """Yield the modules that a manifest names, and the folders where another might come first."""
    manifest = work.loaded.manifest
    targets = [manifest.factory, *manifest.custom_objects, *(t for _, t in manifest.signatures)]
    for module in {target.module for target in targets}:
        yield from _places(module, work.search_path)


def _places(module: str, first: tuple[Path, ...]) -> Iterator[str]:
    """Yield a module's file, and the folders that were looked into before it was found."""
    path = sources.locate(module, first)
    searched = [*map(str, first), *(searching.modules() if path is not None else [])]
    top = module.partition(".")[0]
    for folder in filter(os.path.isdir, searched):
        yield folder
        if path is not None and str(path).startswith((f"{folder}/{top}.", f"{folder}/{top}/")):
            yield str(path)
            yield from (str(p) for p in path.parents if str(p).startswith(f"{folder}/"))
            return


def _stored(seen: Seen) -> Iterator[Watched]:
    """Watch every published folder, and that what is not published stays so."""
    work = seen.work
    for format in work.formats:
        folder = work.folder(format)
        if format in seen.records:
            yield contents.tree(str(folder), seen.files[format])
        else:
            yield contents.files(str(folder), (), [record.FILE])
    if _asks_for_kind(seen):  # of any version; where there is one, nothing is remembered
        yield contents.files(str(work.store.root), (), [work.name])


def _asks_for_kind(seen: Seen) -> bool:
    """Tell whether the plan depends on the kind of model: h5 cannot hold a subclassed one."""
    return "h5" in seen.work.formats and "h5" not in seen.records


def _known_kind(work: Job) -> str | None:
    """Return the kind of model that an earlier build found, if its sources are as they were.

    A record of another version that cannot be read says nothing, and stops nothing.
    """
    for version in work.store.versions(work.name):
        try:
            made = record.read(work.store.folder(*version))
        except Refusal:
            continue
        before = dict(made.inputs.sources)
        if source_digests(work, sorted(before)) == before:
            return made.architecture.kind
    return None
