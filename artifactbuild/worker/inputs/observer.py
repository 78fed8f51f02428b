"""The process beside a builder that notes what the builder, and all that it starts, reads.

`split` forks: the builder goes on in the child, and its parent observes it and ends as it ends. The
parent is an ancestor of everything that it looks into, as the kernel wants it (ptrace(2)).
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import stat
import tempfile
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

from artifactbuild.data import decode, encode
from artifactbuild.worker import enclosure, kernel
from artifactbuild.worker.inputs import notifications
from artifactbuild.worker.inputs.ledger import Ledger, Reads
from artifactbuild.worker.inputs.notifications import (
    CHANGING,
    LISTING,
    LOOKING,
    MAKING,
    MOVING,
    OPENING,
    RUNNING,
    Listener,
    Notification,
)

_MAX_MESSAGE = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A private copy that was given for a file opened to be read and written."""

    place: str
    copy: str


@dataclass(slots=True, kw_only=True)
class _Observed:
    """What an observer has at hand: the ledger once it is told of the project, the listener."""

    ledger: Ledger | None = None
    listener: Listener | None = None
    notes: bool = True
    scratch: str = ""
    copies: list[Written] = field(default_factory=list)


class Observer:
    """The builder's side: begins to be observed, and asks in the end for what was noted."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def begin(self, project: str, ignored: tuple[str, ...], *, notes: bool = True) -> bool:
        """Be observed from now on; False where the kernel has no notifications.

        Without `notes`, nothing is noted; copies are given all the same.
        """
        try:
            listener = notifications.install()
        except OSError:
            return False
        request = {"project": project, "ignored": ignored, "notes": notes}
        socket.send_fds(self._line, [json.dumps(request).encode() + b"\n"], [listener])
        os.close(listener)
        return self._line.recv(1) == b"."

    def reads(
        self, folder: str, named: Iterable[str], sought: Iterable[str], listed: Mapping[str, int]
    ) -> Reads:
        """Return what was read, with files that are `named`, and modules that were `sought`.

        What Python's import `listed` is left out, so many times each.
        """
        request = {"folder": folder, "named": [*named], "sought": [*sought], "listed": {**listed}}
        self._line.sendall(json.dumps(request).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            block = self._line.recv(1 << 16)
            if not block:
                raise OSError("the process that notes what is read is gone")
            answer += block
        return decode(Reads, json.loads(answer))


def split() -> Observer | None:
    """Fork, and return in the child, which is observed; None where it cannot be."""
    if not _possible():
        return None
    ours, theirs = socket.socketpair()
    observer, builder = os.getpid(), os.fork()
    if builder:
        theirs.close()
        _attend(ours, builder)
    ours.close()
    kernel.die_with_parent()
    if os.getppid() != observer:
        os._exit(0)
    return Observer(theirs)


def _attend(line: socket.socket, builder: int) -> NoReturn:
    """Observe the builder, and end as it ends."""
    status = 3
    try:
        kernel.adopt_orphans()
        signal.signal(signal.SIGABRT, lambda number, _: os.kill(builder, number))
        status = _observe(line, builder)
    except Exception:  # noqa: BLE001, the door of a process
        traceback.print_exc()
    enclosure.end_orphans()
    enclosure.end_as(status)


def _possible() -> bool:
    """Report whether the kernel may have what an observer needs; `begin` tries the filter."""
    if not notifications.available():
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def _observe(line: socket.socket, builder: int) -> int:
    """Answer the builder until it ends; return its status."""
    observed = _Observed()
    ended = os.pidfd_open(builder)
    poll = select.poll()
    poll.register(line, select.POLLIN)
    poll.register(ended, select.POLLIN)
    try:
        while True:
            ready = dict(poll.poll())
            listener = observed.listener
            if listener is not None and ready.get(listener.descriptor, 0) & select.POLLIN:
                _answer(observed, listener)
            elif listener is not None and listener.descriptor in ready:
                poll.unregister(listener.descriptor)  # nobody is left who could ask
            elif ended in ready:
                break
            elif line.fileno() in ready:
                if not _obey(observed, line):
                    poll.unregister(line)
                elif listener is None and observed.listener is not None:
                    poll.register(observed.listener.descriptor, select.POLLIN)
    finally:
        if observed.scratch:
            shutil.rmtree(observed.scratch, ignore_errors=True)
    return os.waitpid(builder, 0)[1]


def _obey(observed: _Observed, line: socket.socket) -> bool:
    """Do what the builder asks for; False when it has closed its side."""
    message, descriptors, _, _ = socket.recv_fds(line, _MAX_MESSAGE, 1)
    if not message:
        return False
    while not message.endswith(b"\n"):
        message += line.recv(_MAX_MESSAGE)
    request = json.loads(message)
    if descriptors:
        observed.ledger = Ledger(request["project"], request["ignored"])
        observed.listener = Listener(descriptors[0])
        observed.notes = request["notes"]
        line.sendall(b".")
        return True
    assert observed.ledger is not None
    observed.ledger.complete(request["named"], request["sought"], request["listed"])
    found = observed.ledger.reads(request["folder"], _written(observed))
    line.sendall(json.dumps(encode(found)).encode() + b"\n")
    return True


def _answer(observed: _Observed, listener: Listener) -> None:
    """Note a call and let it go on; a file that is opened for both gets a copy of its own."""
    asked = listener.receive()
    if asked is None:
        return
    ledger = observed.ledger
    copy = -1
    try:
        if ledger is not None and asked.path:
            if observed.notes:
                _note(ledger, asked)
            copy = _private(observed, ledger, asked)
    finally:
        if copy < 0:
            listener.let_go(asked)
        else:
            listener.give(asked, copy)
            os.close(copy)


def _note(ledger: Ledger, asked: Notification) -> None:
    if _writes(asked):
        ledger.refused(asked.path)
    if asked.does == LOOKING:
        ledger.looked(asked.path)
    elif asked.does == LISTING:
        ledger.listed_at_least_once(asked.path)
    elif asked.does == OPENING and asked.flags & os.O_DIRECTORY:
        ledger.listed(asked.path)
    elif asked.does in (OPENING, RUNNING) and not _only_writes(asked.flags):
        ledger.opened(asked.path)


def _only_writes(flags: int) -> bool:
    """Tell whether what is opened cannot be read, or is emptied or made first."""
    made = flags & os.O_TRUNC or flags & os.O_EXCL
    return bool(flags & os.O_ACCMODE == os.O_WRONLY or made)


def _writes(asked: Notification) -> bool:
    """Tell whether something is to be made, changed or removed.

    Who opens a file that is there for both may be content to read it, as SQLite is.
    """
    is_there = os.path.lexists(asked.path)
    if asked.does == OPENING:
        made = asked.flags & os.O_CREAT and not is_there
        appends = asked.flags & os.O_APPEND and asked.flags & os.O_ACCMODE != os.O_RDONLY
        return bool(made or (is_there and (_only_writes(asked.flags) or appends)))
    return {CHANGING: is_there, MAKING: not is_there, MOVING: True}.get(asked.does, False)


def _private(observed: _Observed, ledger: Ledger, asked: Notification) -> int:
    """Return a copy of a file of the project that is opened to be read and written, else -1.

    Many open for both what they only read (`numpy.memmap` by default): the project is not written.
    """
    both = asked.does == OPENING and asked.flags & os.O_ACCMODE == os.O_RDWR
    if not both or asked.flags & (os.O_CREAT | os.O_TRUNC) or not ledger.of_project(asked.path):
        return -1
    with suppress(OSError):
        if not stat.S_ISREG(os.stat(asked.path).st_mode):
            return -1
        observed.scratch = observed.scratch or tempfile.mkdtemp(prefix="artifactbuild-copies-")
        copy = os.path.join(observed.scratch, str(len(observed.copies)))
        shutil.copyfile(asked.path, copy)
        descriptor = os.open(copy, os.O_RDWR | os.O_CLOEXEC)
        observed.copies.append(Written(place=asked.path, copy=copy))
        return descriptor
    return -1


def _written(observed: _Observed) -> list[str]:
    """Return the files whose private copies are no longer what they were copied from."""
    return sorted({each.place for each in observed.copies if _differ(each.place, each.copy)})


def _differ(one: str, other: str) -> bool:
    with open(one, "rb") as first, open(other, "rb") as second:
        while block := first.read(1 << 20):
            if block != second.read(1 << 20):
                return True
        return bool(second.read(1))
