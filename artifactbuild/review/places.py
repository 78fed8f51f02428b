"""Where the sides of a comparison are: revisions, the working tree, files and folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from artifactbuild import git
from artifactbuild.job import Job, job
from artifactbuild.manifest import load
from artifactbuild.manifest.find import NAME, SKIPPED
from artifactbuild.problems import Problem, Refusal, did_you_mean
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import lock, record
from artifactbuild.release.diff.nouns import WORKING_TREE
from artifactbuild.review import sides as reading
from artifactbuild.review.sides import Placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The models of one place by name; `whole` if what is not there was added or removed."""

    label: str
    models: Mapping[str, Placed]
    whole: bool


Pair = tuple[Placed | None, Placed | None]


def pairs(
    sides: Sequence[str], paths: Sequence[str], start: Path, artifacts: Path | None
) -> tuple[Pair, ...]:
    """Return the models to compare: at most two places are named, and paths that limit them.

    Without places, the working tree is compared with the commit where it left the main branch;
    with one, with that one.

    Raises:
        Refusal: when a place is nothing that can be compared, or a manifest is not sound.
    """
    if len(sides) == 1 and not paths and _has_manifests(start / sides[0]):
        sides, paths = (), sides
    before = _place(sides[0], start, artifacts) if sides else _fork(start, artifacts)
    if len(sides) > 1:
        after = _place(sides[1], start, artifacts)
    else:
        there = [path for path in paths if (start / path).exists()]
        after = _tree(there if paths else ["."], start, artifacts)
    within = [Path(os.path.abspath(start / path)) for path in paths or ["."]]
    return tuple(_matched(_limited(before, within), _limited(after, within)))


def _limited(place: Place, within: Sequence[Path]) -> Place:
    """Leave out the models of a whole place whose manifests are not in one of the folders."""
    if not place.whole:
        return place
    found = {
        name: each
        for name, each in place.models.items()
        if any(each.path.is_relative_to(folder) for folder in within)
    }
    return Place(label=place.label, models=found, whole=True)


def _matched(before: Place, after: Place) -> Iterator[Pair]:
    """Pair the models by name; a file or a folder of one model decides which it is."""
    if not before.whole and not after.whole:
        yield _only(before), _only(after)
        return
    one = next((place for place in (before, after) if not place.whole), None)
    names = sorted(one.models if one is not None else {*before.models, *after.models})
    for name in names:
        old, new = before.models.get(name), after.models.get(name)
        if one is not None and (old is None or new is None):
            lacking = before if old is None else after
            message = f"there is no model {name!r} here, as {one.label} describes"
            raise Refusal(Problem(file=lacking.label, message=message))
        yield old, new


def _only(place: Place) -> Placed:
    return next(iter(place.models.values()))


def _place(argument: str, start: Path, artifacts: Path | None) -> Place:
    path = start / argument
    if path.is_file():
        return _file(path, argument, artifacts)
    if (path / record.FILE).is_file():
        placed = reading.of_artifact(path, argument)
        return Place(label=argument, models={placed.side.model: placed}, whole=False)
    if path.is_dir():
        return _tree([argument], start, artifacts)
    revision, colon, inner = argument.partition(":")
    with git.opened(start) as repository:
        commit = git.commit(repository, revision) if repository is not None else None
        if repository is None or commit is None:
            raise Refusal(_nothing(argument, start, in_git=repository is not None))
        if colon:
            return _file_of_revision(repository, commit, argument, inner, artifacts)
        return _revision(repository, commit, argument, artifacts)


def _fork(start: Path, artifacts: Path | None) -> Place:
    with git.opened(start) as repository:
        if repository is None:
            message = "this folder is in no git repository"
            hint = "name the sides: `artifactbuild diff BEFORE AFTER`, manifests, locks or versions"
            raise Refusal(Problem(file=".", message=message, hint=hint))
        branch, commit = git.fork(repository)
        return _revision(repository, commit, branch, artifacts)


def _revision(repository: git.Repository, commit: str, name: str, artifacts: Path | None) -> Place:
    found = [path for path in git.files(repository, commit) if _is_manifest(path)]
    label = name if commit.startswith(name) else f"{name} ({commit[:7]})"
    held = git.contents(repository, commit, reading.with_locks(found))
    top = repository.top
    placed = [reading.at_revision(top, held, path, label, artifacts) for path in found]
    return Place(label=label, models={each.side.model: each for each in placed}, whole=True)


def _is_manifest(path: str) -> bool:
    *folders, name = PurePosixPath(path).parts
    return name == NAME and not any(f.startswith(".") or f in SKIPPED for f in folders)


def _file_of_revision(
    repository: git.Repository, commit: str, argument: str, path: str, artifacts: Path | None
) -> Place:
    top, is_lock = repository.top, path.endswith(lock.SUFFIX)
    held = git.contents(repository, commit, [path] if is_lock else reading.with_locks([path]))
    if path not in held:
        message = f"there is no file {path!r} in that revision"
        there = [each for each in git.files(repository, commit) if _is_manifest(each)]
        raise Refusal(Problem(file=argument, message=message, hint=did_you_mean(path, there)))
    if is_lock:
        known = lock.parsed(held[path], argument)
        placed = reading.of_lock(known, argument, top / path, artifacts)
    else:
        placed = reading.at_revision(top, held, path, argument, artifacts)
    return Place(label=argument, models={placed.side.model: placed}, whole=False)


def _tree(paths: Sequence[str], start: Path, artifacts: Path | None) -> Place:
    placed = [reading.of_job(work, WORKING_TREE) for work in _jobs(paths, start, artifacts)]
    models = {each.side.model: each for each in placed}
    return Place(label=WORKING_TREE, models=models, whole=True)


def _file(path: Path, argument: str, artifacts: Path | None) -> Place:
    if path.name.endswith(lock.SUFFIX):
        known = lock.parsed(_bytes(path, argument), argument)
        placed = reading.of_lock(known, argument, path, artifacts)
    else:
        placed = reading.of_job(job(load.load(path), artifacts), argument)
    return Place(label=argument, models={placed.side.model: placed}, whole=False)


def _bytes(path: Path, argument: str) -> bytes:
    try:
        return bounded(path, lock.MAX_BYTES)
    except Unreadable as unreadable:
        raise Refusal(Problem(file=argument, message=f"not a lock: {unreadable}")) from None


def _jobs(paths: Iterable[str], start: Path, artifacts: Path | None) -> tuple[Job, ...]:
    return tuple(job(each, artifacts) for each in load.load_all(tuple(paths), start))


def _has_manifests(path: Path) -> bool:
    """Tell whether a path is a manifest, or a folder that holds some and is no version."""
    if path.is_dir() and not (path / record.FILE).is_file():
        return True
    return path.is_file() and path.name == NAME


def _nothing(argument: str, start: Path, *, in_git: bool) -> Problem:
    message = "is no file or folder here" + (", and no revision that git knows" * in_git)
    near = did_you_mean(argument, os.listdir(start))
    hint = near or "name a revision, REVISION:PATH, a manifest, a lock or a version's folder"
    return Problem(file=argument, message=message, hint=hint)
