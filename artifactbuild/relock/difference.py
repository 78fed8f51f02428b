"""How a rebuilt payload differs from the released one, in the words of `diff`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from artifactbuild.data import decode
from artifactbuild.job import Job
from artifactbuild.problems import Problem
from artifactbuild.recording import Complete
from artifactbuild.release import digest, environment, locking, record
from artifactbuild.release.diff.nouns import Difference, Side
from artifactbuild.release.lock import Lock, Locked
from artifactbuild.relock.deciding import Task
from artifactbuild.review import comparing, sides, words
from artifactbuild.review.sides import Placed
from artifactbuild.review.telling import terminal
from artifactbuild.worker.messages import DifferenceReport, DifferenceRequest
from artifactbuild.worker.server import Server

HERE = "rebuilt here"
LOG = "difference.log"
FINGERPRINT = "fingerprint.pb"
"""A digest of the other files of a SavedModel, which says nothing by itself."""


def problems(
    task: Task,
    complete: tuple[Complete, ...],
    apart: Sequence[Complete],
    staged: Path,
    server: Server,
) -> Iterator[Problem]:
    """Yield a problem for each payload that is not the released one."""
    machine = _machine(task.memory, complete)
    for each in apart:
        yield _problem(task, each, _first(task, each, staged, server), machine)


def text(found: Difference) -> str:
    """Say a difference as `diff` does."""
    return terminal([words.report(found)])


def found(task: Task, complete: tuple[Complete, ...], staged: Path, server: Server) -> Difference:
    """Compare with the published artifacts where they are at hand, else with what the lock says."""
    work = task.work
    before = sides.of_lock(
        task.memory, f"{work.version} as released", work.loaded.path, work.store.root
    )
    records = {each.record.format: each.own or each.record for each in complete}
    files = {each.record.format: each.files for each in complete}
    side = Side(
        label=HERE,
        file=work.loaded.document.file,
        model=work.name,
        version=work.version,
        lock=locking.of(records, files, None),
        records=records,
    )
    after = Placed(
        side=side, path=work.loaded.path, folders={format: staged / format for format in records}
    )
    pair = (before, after)
    return comparing.weighed(comparing.difference(pair), pair, server, staged / LOG)


def _first(task: Task, each: Complete, staged: Path, server: Server) -> str:
    """Say what differs first in a payload; name the file if the released one is not at hand."""
    work, format = task.work, each.record.format
    locked = task.memory.artifacts[format]
    name = _name(each.files, locked)
    released = work.folder(format) / name
    if name not in each.files or name not in locked.files:
        return f"{name} is {'new' if name in each.files else 'gone'}"
    if not released.is_file() or digest.of_file(released) != locked.files[name]:
        return f"{name} has other bytes than the lock names"
    tolerance = work.loaded.manifest.validation.tolerance
    request = DifferenceRequest(
        before=str(released.parents[len(Path(name).parts) - 1]),
        after=str(staged / format),
        file=name,
        atol=tolerance.atol,
        rtol=tolerance.rtol,
    )
    answer = decode(DifferenceReport, server.run("difference", request, staged / LOG))
    return f"{name}: {answer.what}"


def _name(files: Mapping[str, str], locked: Locked) -> str:
    """Return the first file of a payload that differs, one that tells of others last."""
    names = {*files, *locked.files} - record.FACTS
    apart = [name for name in names if files.get(name) != locked.files.get(name)]
    return min(apart, key=lambda name: (name == FINGERPRINT, name))


def _machine(memory: Lock, complete: tuple[Complete, ...]) -> tuple[str, ...]:
    """Say how this machine is not that of the release."""
    found = (complete[0].own or complete[0].record).environment
    names = environment.OF_MACHINE
    was, now = ({n: e[n] for n in names if n in e} for e in (memory.environment, found))
    return environment.drift(was, now)


def _problem(task: Task, each: Complete, what: str, machine: tuple[str, ...]) -> Problem:
    work, format = task.work, each.record.format
    # What changed but for the processor: it is what the reader asked about.
    edits = "; ".join(change.what for change in task.changes)
    of_edits = f" since {edits}" if edits else ""
    message = f"{format} is not the {work.version} that was released{of_edits}: {what}"
    return work.problem(("formats", format), message, _hint(work, machine))


def _hint(work: Job, machine: tuple[str, ...]) -> str:
    file = work.loaded.document.file
    hint = f"release it under a new version: `artifactbuild bump {file}`"
    if machine:
        hint = (
            f"the processor is not that of the release either ({'; '.join(machine)}), so the edit "
            f"is not shown to be the cause: run `artifactbuild relock {file}` on one that is; "
            f"{hint}"
        )
    return hint
