"""A job confined: what a worker does before its job runs, and what it reports of refused writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild.data import decode
from artifactbuild.worker import confine
from artifactbuild.worker.confinement import Confinement
from artifactbuild.worker.guard import Guard, Refused
from artifactbuild.worker.inputs.observer import Observer

CURE = "write to a folder of tempfile.mkdtemp()"

SURVIVORS = (
    "this machine lets no process have a namespace of its own: daemons that a factory starts may "
    "survive if all processes of a build are killed at once"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a worker works: the folder for what it writes, and whether it is in a namespace."""

    scratch: str
    enclosed: bool


class _Held:
    """The guard of this process; an audit hook is there for good, and so is this."""

    guard: Guard | None = None
    confinement: Confinement | None = None


def guard() -> Guard | None:
    """Return the guard of this process, if its job is confined."""
    return _Held.guard


def let_copies_be_written() -> None:
    """Refuse no file that is opened for reading and writing: the code gets a copy of its own."""
    if _Held.guard is not None:
        _Held.guard.copies = True


def give_copies(observer: Observer) -> None:
    """Give this process copies of files of the project that it opens for reading and writing."""
    held = _Held.confinement
    if held is None:
        return
    own = os.path.realpath(held.folder)
    others = tuple(
        path for path in held.protected if not confine.is_within(own, os.path.realpath(path))
    )
    if observer.begin(held.project, others, notes=False):
        let_copies_be_written()


def note(refused: Iterable[str], folder: Path) -> None:
    """Add writes that the kernel saw, by their paths from a folder, to those that Python made."""
    own = _Held.guard
    if own is None:
        return
    known = {each.file for each in own.refused}
    started = [(each.file, each.place) for each in own.started]
    for name in refused:
        file = own.named(os.path.realpath(folder / name))
        if file not in known:
            own.refused.append(Refused(file=file, place=started_at(file, started)))


def started_at(path: str, started: Sequence[tuple[str, str]]) -> str:
    """Return the line of code that started the program which wanted to write, if it is known.

    `started` are the programs, each with its line.
    """
    name = os.path.basename(path)
    likely = [place for what, place in started if name in what] or [place for _, place in started]
    return likely[-1] if likely else ""


def begin(said: Any, place: Place, answer: Callable[[dict[str, Any]], None]) -> None:
    """Confine this process as the parent asks, and warn of what the machine does not let us do."""
    if said is None:
        return
    confinement = decode(Confinement, said)
    confine.give_scratch(place.scratch)
    if not place.enclosed:
        answer({"warning": SURVIVORS})
    is_held = confine.enter(confinement, place.scratch, enclosed=place.enclosed)
    if not is_held:
        answer({"warning": confine.UNCONFINED})
    _Held.confinement = confinement
    _Held.guard = Guard(confinement, place.scratch, alone=not is_held)
    _Held.guard.watch()


def end(report: Any, answer: Callable[[dict[str, Any]], None]) -> None:
    """Warn of the refused writes that the job went on without; name the programs it started."""
    own = _Held.guard
    if own is None:
        return
    if own.started:
        answer({"started": [[each.file, each.place] for each in own.started]})
    if getattr(report, "findings", ()):
        return
    for each in own.refused:
        before = f"{each.place}: " if each.place else ""
        text = f"{before}{each.file!r} was not written, the project is read-only: {CURE}"
        answer({"warning": text})
