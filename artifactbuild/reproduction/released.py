"""What is to be made again: a manifest and the lock of its version, which must agree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from artifactbuild import git
from artifactbuild import plan as planning
from artifactbuild.job import Job, inputs_now, job, restoring_line_endings
from artifactbuild.manifest import load
from artifactbuild.manifest.load import Loaded
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import line_endings, lock, sources
from artifactbuild.release.lock import Lock
from artifactbuild.reproduction.nouns import Released


def from_tree(work: Sequence[Job]) -> tuple[Released, ...]:
    """Return the released versions of manifests in the working tree.

    Raises:
        Refusal: when a lock is missing or of another version, or inputs changed since.
    """
    return _all([(each, each.loaded.project) for each in work], revision="")


def from_revision(
    paths: Sequence[str], artifacts: Path | None, revision: str, folder: Path
) -> tuple[Released, ...]:
    """Return the released versions of manifests as they are in a revision, laid out in `folder`.

    The lock is the revision's, or the working tree's if that one is of the revision's version. What
    the lock lists and git does not know is taken from the working tree, if it is unchanged.

    Raises:
        Refusal: as `from_tree` does; or there is no such revision, or no such manifest in it.
    """
    here = Path.cwd()
    tree = folder / "tree"
    (tree / ".git").mkdir(parents=True)
    with git.opened(here) as repository:
        if repository is None:
            message = "is in no git repository, so there is no revision to take"
            raise Refusal(Problem(file=str(here), message=message, hint="leave out `--from`"))
        top = repository.top
        git.extract(repository, _commit(repository, revision), tree, folder / "index")
    try:
        moved = [_moved(path, top, tree) for path in paths]
        start = tree / here.relative_to(top)
        for manifest in load.find(moved, start):
            _fill_in(manifest, _other(manifest, tree, top))
        loaded = [_named(each, tree, revision) for each in load.load_all(moved, start)]
    except Refusal as refusal:
        raise Refusal(*(_placed(p, tree, revision) for p in refusal.problems)) from None
    pairs = [
        (_job(each, _other(each.path, tree, top), origin, artifacts), origin)
        for each in loaded
        for origin in [_other(each.project, tree, top)]
    ]
    return _all(pairs, revision)


def _commit(repository: git.Repository, revision: str) -> str:
    found = git.commit(repository, revision)
    if found is None:
        message = f"{revision!r} names no commit"
        hint = "`git log --oneline` lists commits; one that is not here needs `git fetch`"
        raise Refusal(Problem(file=str(repository.top), message=message, hint=hint))
    return found


def _all(pairs: Sequence[tuple[Job, Path]], revision: str) -> tuple[Released, ...]:
    problems = [problem for work, _ in pairs for problem in _problems(work, revision)]
    if problems:
        raise Refusal(*problems)
    return tuple(
        Released(work=work, lock=work.memory, origin=origin, revision=revision)
        for work, origin in pairs
        if work.memory is not None
    )


def _problems(work: Job, revision: str) -> Iterator[Problem]:
    """Say why a version cannot be made again from what there is."""
    file, version = _shown(work, revision), work.version
    if work.lock is None:
        message = f"no lock says what was released of {work.name}"
        hint = f"run `artifactbuild build {file}` and commit {work.lock_shown}"
        yield work.problem(("version",), message, hint)
        return
    if work.memory is None:
        message = f"the lock is of {work.lock.version}, the manifest asks for {version}"
        hint = (
            f"run `artifactbuild reproduce {file} --from REV`, with a revision that has "
            f"{work.lock.version}; or `artifactbuild build` to release {version}"
        )
        yield work.problem(("version",), message, hint)
        return
    changes = _changes(work, work.memory)
    if changes:
        message = f"{work.name} {version} was released from other inputs: {'; '.join(changes)}"
        other = "another REV" if revision else "REV"
        hint = f"name the revision that has them: `artifactbuild reproduce {file} --from {other}`"
        if not revision and all(line_endings.ONLY in change for change in changes):
            hint = f"run `{restoring_line_endings(work, [work.memory.inputs])}`"
        yield work.problem(("version",), message, hint)


def _changes(work: Job, memory: Lock) -> list[str]:
    now = inputs_now(work, [memory.inputs])
    options = {request.name: dict(request.options) for request in work.loaded.manifest.formats}
    return [
        *planning.changes(memory.inputs, now),
        *(f"{name} is no longer asked for" for name in memory.artifacts if name not in options),
        *(
            f"the options of {name} changed"
            for name, locked in memory.artifacts.items()
            if name in options and dict(locked.options) != options[name]
        ),
    ]


def _shown(work: Job, revision: str) -> str:
    return (
        work.loaded.document.file.removeprefix(f"{revision}:")
        if revision
        else (work.loaded.document.file)
    )


def _job(loaded: Loaded, in_tree: Path, origin: Path, artifacts: Path | None) -> Job:
    """Return a job of a revision's manifest, with the lock that is of its version."""
    made = job(loaded, artifacts if artifacts is not None else origin / "artifacts")
    if made.memory is None:
        ours = lock.read(in_tree, lock.path_of(in_tree).name)
        if ours is not None and ours.version == made.version:
            return replace(made, lock=ours)
    return made


def _fill_in(manifest: Path, in_tree: Path) -> None:
    """Copy what either lock lists and the revision lacks, where it is as the lock says."""
    for at in (manifest, in_tree):
        known = lock.read(at, lock.path_of(at).name)
        for name, was in known.inputs.sources.items() if known else ():
            source, target = in_tree.parent / name, manifest.parent / name
            if not target.exists() and source.is_file() and sources.of_file(source, was) == was:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


def _moved(path: str, top: Path, tree: Path) -> str:
    """Return an argument as one of the extracted tree; relative ones are so already."""
    whole = Path(os.path.abspath(path))
    return str(_other(whole, top, tree)) if Path(path).is_absolute() else path


def _other(path: Path, one: Path, other: Path) -> Path:
    """Return the path that lies in one folder as it lies in the other."""
    return other / path.relative_to(one) if path.is_relative_to(one) else path


def _named(loaded: Loaded, tree: Path, revision: str) -> Loaded:
    file = f"{revision}:{loaded.path.relative_to(tree).as_posix()}"
    return replace(loaded, document=replace(loaded.document, file=file))


def _placed(problem: Problem, tree: Path, revision: str) -> Problem:
    """Name a file as git does: `REV:path`."""
    path = Path(problem.file)
    file = f"{revision}:{path.relative_to(tree)}" if path.is_relative_to(tree) else problem.file
    return replace(problem, file=file)
