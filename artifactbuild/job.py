"""A manifest on its way: where it lies, what is known of it, where it is published."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from artifactbuild.history import NONE, Elsewhere, History
from artifactbuild.index import location
from artifactbuild.manifest import find, schema
from artifactbuild.manifest.load import Loaded
from artifactbuild.problems import Problem
from artifactbuild.release import (
    digest,
    distributions,
    line_endings,
    lock,
    sources,
    variables,
)
from artifactbuild.release.lock import Lock, Locked
from artifactbuild.release.record import Inputs
from artifactbuild.release.store import Store
from artifactbuild.resources import card_template
from artifactbuild.worker.confinement import Confinement

BESIDE_INPUTS = frozenset({"formats", "version"})
"""Keys of the manifest that are not inputs of every format: each step has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One manifest on its way: where it lies, what is known of it, where it is published.

    `history` is what git tells of its version, where that was asked; `elsewhere` are the releases
    of it that others made.
    """

    loaded: Loaded
    lock: Lock | None
    store: Store
    history: History = NONE
    elsewhere: tuple[Elsewhere, ...] = ()

    @property
    def name(self) -> str:
        """The model's name."""
        return self.loaded.manifest.name

    @property
    def version(self) -> str:
        """The version that the manifest asks for."""
        return self.loaded.manifest.version

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that the manifest asks for."""
        return tuple(request.name for request in self.loaded.manifest.formats)

    @property
    def processor(self) -> str:
        """Whose kernels the manifest asks for."""
        return self.loaded.manifest.processor

    @property
    def search_path(self) -> tuple[Path, ...]:
        """Where the factory and the custom objects are looked for first."""
        return (self.loaded.path.parent, self.loaded.project)

    @property
    def template(self) -> Path:
        """The card template that the manifest names, else our own."""
        own = self.loaded.manifest.card_template
        return self.loaded.path.parent / own if own else card_template()

    @property
    def memory(self) -> Lock | None:
        """The lock, if it is of this version."""
        return self.lock if self.lock is not None and self.lock.version == self.version else None

    @property
    def reused(self) -> Elsewhere | None:
        """The release by others that the version would be the second of, if there is one."""
        return next((each for each in self.elsewhere if each.changes), None)

    @property
    def lock_shown(self) -> str:
        """The lock's path, for people."""
        return lock_of(self.loaded)

    @property
    def repair(self) -> str:
        """The command that repairs damaged versions."""
        own = self.store.root == self.loaded.project / "artifacts"
        root = "" if own else f" --artifacts {shlex.quote(shown(self.store.root))}"
        return f"artifactbuild build --repair {shlex.quote(self.loaded.document.file)}{root}"

    def folder(self, format: str) -> Path:
        """Return where a format of this version is published."""
        return self.store.folder(self.name, format, self.version)

    def confinement(self, staging: str = "", *writable: str) -> Confinement:
        """Return what a worker of this manifest may not write."""
        own = (self.loaded.project, self.loaded.path.parent, self.store.root)
        return Confinement(
            project=str(self.loaded.project),
            folder=str(self.loaded.path.parent),
            protected=tuple(map(str, own)),
            staging=staging,
            writable=writable,
        )

    def locked(self, format: str) -> Locked | None:
        """Return what the lock says of a format of this version."""
        return self.memory.artifacts.get(format) if self.memory is not None else None

    def problem(
        self,
        path: tuple[Any, ...],
        message: str,
        hint: str = "",
        *,
        at: Literal["key", "value"] = "value",
    ) -> Problem:
        """Locate a problem: at the name of a format, or at the value of any other key."""
        document = self.loaded.document
        if path[:1] == ("formats",):
            at = "key"
            if len(path) == 2 and isinstance(document.data["formats"], list):
                path = ("formats", document.data["formats"].index(path[1]))
        return document.problem(path, message, hint, at=at)


def job(loaded: Loaded, artifacts: Path | None) -> Job:
    """Read the lock beside a manifest and find its store."""
    own = store(loaded.project, artifacts)
    return Job(loaded=loaded, lock=lock.read(loaded.path, lock_of(loaded)), store=own)


def store(project: Path, artifacts: Path | None) -> Store:
    """Return the store of a project: where the user says, else its `artifacts/`."""
    return Store(root=artifacts if artifacts is not None else project / "artifacts")


def leaving(store: Store, project: Path, inside: Sequence[str]) -> tuple[Problem, ...]:
    """Find a link in a project's own artifacts that leads out of the project."""
    for name in inside:
        if real := location.leaves(str(store.root), str(project), name):
            link = shown(store.root / name)
            message = f"leads out of the project, to {real}: nothing is written there unasked"
            hint = f"remove the link, or name the place: `--artifacts {shlex.quote(real)}`"
            if name:
                hint = "remove the link, or name another place for all artifacts by `--artifacts`"
            return (Problem(file=link, message=message, hint=hint),)
    return ()


def lock_of(loaded: Loaded) -> str:
    """Return the path of a manifest's lock, for people."""
    return (Path(loaded.document.file).parent / lock.path_of(loaded.path).name).as_posix()


def manifest_digests(work: Job) -> dict[str, str]:
    """Return a digest for each key of the manifest that says something else than its default.

    So a key that a later artifactbuild brings changes no lock.
    """
    full, default = schema.defaults(work.loaded.document.data), schema.defaults({})
    said = [key for key in sorted(full) if key not in default or full[key] != default[key]]
    return {key: digest.of_data(full[key]) for key in said if key not in BESIDE_INPUTS}


def source_digests(work: Job, names: Iterable[str]) -> dict[str, str]:
    """Return the digests of those of the named files that are there."""
    paths = {name: work.loaded.path.parent / name for name in names}
    return {name: sources.of_file(path) for name, path in paths.items() if _is_file(path)}


def _is_file(path: Path) -> bool:
    """Tell whether a file is there; a lock may name what no filesystem can hold."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def inputs_now(work: Job, before: Iterable[Inputs]) -> Inputs:
    """Return the inputs as they are now, of what the builds that had those of `before` read."""
    known = [*before]
    return Inputs(
        manifest=manifest_digests(work),
        sources=sources.now(
            work.loaded.path.parent,
            {name: was for each in known for name, was in sorted(each.sources.items())},
            [work.store.root],
        ),
        variables=variables.now({name for each in known for name in each.variables}, os.environ),
        distributions=distributions.now(
            {name: was for each in known for name, was in each.distributions.items()}
        ),
    )


def as_locked(work: Job, found: Mapping[str, str]) -> dict[str, str]:
    """Return digests of sources, those that the lock has of another kind as the lock has them.

    So a version of an older artifactbuild is made again with the record that it had.
    """
    locked = work.memory.inputs.sources if work.memory is not None else {}
    other = {
        name: was
        for name, was in locked.items()
        if sources.kind(was) != sources.kind(found.get(name, was))
    }
    same = sources.now(work.loaded.path.parent, other)
    return {**found, **{name: was for name, was in other.items() if same.get(name) == was}}


def in_kinds_of(work: Job, made: Inputs, known: Iterable[Inputs]) -> Inputs:
    """Return the inputs of one record with the digests that the last of those known has.

    Records of one version may have digests of two kinds, of which `inputs_now` gives one: a file
    that is as both say has not changed.
    """
    last = {name: was for each in known for name, was in each.sources.items()}
    folder = work.loaded.path.parent
    other = {
        name: last[name]
        for name, was in made.sources.items()
        if sources.kind(was) != sources.kind(last.get(name, was))
        and sources.now(folder, {name: was}) == {name: was}
    }
    return replace(made, sources={**made.sources, **other}) if other else made


def restoring_line_endings(work: Job, before: Iterable[Inputs]) -> str:
    """Return the command that gives sources their line endings back, where only these differ."""
    known, folder = [*before], work.loaded.path.parent
    now = inputs_now(work, known).sources
    recorded = {name: was for each in known for name, was in each.sources.items()}
    changed = [name for name in recorded if line_endings.named(now.get(name, ""))]
    return " && ".join(line_endings.repair(folder / name, recorded[name]) for name in changed)


def shown(path: Path) -> str:
    """Return a path for people: from the current folder where it is inside, else whole."""
    return find.shown(str(path))
