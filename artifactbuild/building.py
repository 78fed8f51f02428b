"""Many manifests built at once, within the room that there is; a failure stops only its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from artifactbuild import pipeline
from artifactbuild.job import Job
from artifactbuild.outcome import Outcome
from artifactbuild.pipeline import Finished, Wish
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release.digest import Hashed
from artifactbuild.worker.messages import Tell
from artifactbuild.worker.server import Server

Key = TypeVar("Key")
Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The problems of manifests that failed, and folders where what failed can be looked at."""

    problems: tuple[Problem, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built(Generic[Key]):
    """What became of manifests, in the order in which they were given."""

    outcomes: Mapping[Key, Outcome]
    problems: tuple[Problem, ...]
    kept: tuple[str, ...]
    """Folders where what failed can be looked at."""
    untried: tuple[Key, ...]
    known: Mapping[Path, Hashed]
    """The large files that were published, as they were hashed."""


def build(
    work: Mapping[Key, Job],
    server: Server,
    tell: Tell,
    *,
    wish: Wish = pipeline.PLAIN,
    fail_fast: bool = False,
) -> Built[Key]:
    """Build every manifest; after a failure no other one is begun if it is to `fail_fast`.

    Raises:
        WorkerLost: when a worker failed by a mistake of ours.
    """
    failed = threading.Event()

    def tried(job: Job) -> Finished | None:
        """Build one manifest, unless another one failed before."""
        if fail_fast and failed.is_set():
            return None
        try:
            return pipeline.build(job, server, titled(job, tell), wish)
        except BaseException:
            failed.set()
            raise

    ended, refused = at_once(work, server, tried)
    finished = {key: each for key, each in ended.items() if each is not None}
    return Built(
        outcomes={key: each.outcome for key, each in finished.items()},
        problems=refused.problems,
        kept=refused.kept,
        untried=tuple(key for key, each in ended.items() if each is None),
        known={path: hashed for each in finished.values() for path, hashed in each.known.items()},
    )


def at_once(
    work: Mapping[Key, Given], server: Server, do: Callable[[Given], Made]
) -> tuple[dict[Key, Made], Refused]:
    """Do something with each of many, within the room there is; return results, and what failed.

    Raises:
        WorkerLost: when a worker failed by a mistake of ours.
    """
    with ThreadPoolExecutor(server.room.jobs) as pool:
        futures = {key: pool.submit(do, each) for key, each in work.items()}
        try:
            wait(futures.values())
        except BaseException:
            server.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    refusals = {key: refusal for key, f in futures.items() if (refusal := _refusal(f))}
    problems = (problem for each in refusals.values() for problem in each.problems)
    refused = Refused(
        problems=tuple(dict.fromkeys(problems)),
        kept=tuple(each.kept for each in refusals.values() if each.kept),
    )
    return {key: f.result() for key, f in futures.items() if key not in refusals}, refused


def _refusal(future: Future[Made]) -> Refusal | None:
    """Return the refusal that a build ended with; raises what else it ended with."""
    error = future.exception()
    if error is None or isinstance(error, Refusal):
        return error
    raise error


def titled(job: Job, tell: Tell) -> Tell:
    """Return what tells of a manifest under its name."""
    return lambda text: tell(f"{job.name} {job.version}: {text}")
