"""What `check --locked` asks git: is the lock committed, and is its version its own?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from artifactbuild import git, reuse
from artifactbuild.git.place import Repository
from artifactbuild.job import Job
from artifactbuild.release import lock
from artifactbuild.review.disagreement import Drift, made

K = TypeVar("K")


def joined(work: Mapping[K, Job]) -> dict[K, Job]:
    """Return manifests with what git tells of all their versions."""
    return reuse.joined(work, released_too=True)


def find(work: Mapping[K, Job]) -> dict[K, tuple[Drift, ...]]:
    """Return what git says against the locks of manifests, which were `joined` with it.

    Raises:
        Refusal: when git does not read a repository.
    """
    found: dict[K, list[Drift]] = {key: [] for key in work}
    by_project: dict[Path, list[K]] = {}
    for key, job in work.items():
        if job.lock is not None:
            by_project.setdefault(job.loaded.project, []).append(key)
    for project, keys in by_project.items():
        for key, drift in zip(keys, _of_project(project, [work[key] for key in keys]), strict=True):
            found[key] += drift
    for key, job in work.items():
        if job.memory is not None:
            found[key] += _reused(job)
    return {key: tuple(each) for key, each in found.items()}


def _reused(job: Job) -> Iterator[Drift]:
    for each in job.elsewhere[:1]:
        what = f"{each.released.by} with another payload"
        yield made(job, "version-reused", what=what)


def _of_project(project: Path, jobs: Sequence[Job]) -> Iterator[list[Drift]]:
    with git.opened(project) as repository:
        if repository is None:
            yield from ([made(job, "no-repository")] for job in jobs)
            return
        places = [_place(repository, job) for job in jobs]
        head = git.commit(repository, "HEAD")
        wanted = [place for place in places if place]
        held = git.contents(repository, head, wanted) if head is not None else {}
        for job, place in zip(jobs, places, strict=True):
            what = _uncommitted(repository, job, place, held)
            yield [made(job, "lock-uncommitted", what=what)] if what else []


def _place(repository: Repository, job: Job) -> str:
    """Return the path of a lock from the top of the repository; empty where it is not in it."""
    path = Path(os.path.realpath(lock.path_of(job.loaded.path)))
    inside = path.is_relative_to(repository.top)
    return path.relative_to(repository.top).as_posix() if inside else ""


def _uncommitted(repository: Repository, job: Job, place: str, held: Mapping[str, bytes]) -> str:
    """Say how a lock is not the one that is committed; empty if it is."""
    path = lock.path_of(job.loaded.path)
    if place in held:
        same = _plain(held[place]) == _plain(path.read_bytes())
        return "" if same else "is not as it was committed"
    known = git.known(repository, path.parent)
    return "is not committed" if path.name in known else "is ignored by git"


def _plain(content: bytes) -> bytes:
    """Return a text as git stores it where the checkout has other line ends."""
    return content.replace(b"\r\n", b"\n")
