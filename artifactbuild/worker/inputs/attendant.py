"""The process next to a builder: it notes what the builder, and all that it starts, reads.

It answers the kernel's notifications, and what the builder asks of it in JSON lines: first of which
project it is, with the listener, then, in the end, for what was noted.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from artifactbuild.data import encode
from artifactbuild.worker.inputs.ledger import Ledger
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
class Copy:
    """A private copy that was given for a file opened to be read and written."""

    place: str
    copy: str


class Attendant:
    """Attends to one builder, until that ends."""

    def __init__(self, line: socket.socket, builder: int) -> None:
        self._line = line
        self._builder = builder
        self._poll = select.poll()
        self._ledger: Ledger | None = None
        self._listener: Listener | None = None
        self._notes = True
        self._scratch = ""
        self._copies: list[Copy] = []

    def attend(self) -> int:
        """Answer the builder until it ends; return its status."""
        ended = os.pidfd_open(self._builder)
        self._poll.register(self._line, select.POLLIN)
        self._poll.register(ended, select.POLLIN)
        try:
            while True:
                ready = dict(self._poll.poll())
                listener = self._listener
                if listener is not None and ready.get(listener.descriptor, 0) & select.POLLIN:
                    self._answer(listener)
                elif listener is not None and listener.descriptor in ready:
                    self._poll.unregister(listener.descriptor)  # nobody is left who could ask
                elif ended in ready:
                    break
                elif self._line.fileno() in ready:
                    self._obey()
        finally:
            if self._scratch:
                shutil.rmtree(self._scratch, ignore_errors=True)
        return os.waitpid(self._builder, 0)[1]

    def _obey(self) -> None:
        """Do what the builder asks for."""
        message, descriptors, _, _ = socket.recv_fds(self._line, _MAX_MESSAGE, 1)
        if not message:  # it has closed its side
            self._poll.unregister(self._line)
            return
        while not message.endswith(b"\n"):
            message += self._line.recv(_MAX_MESSAGE)
        request = json.loads(message)
        if descriptors:
            self._begin(request, Listener(descriptors[0]))
        else:
            self._report(request)

    def _begin(self, request: dict[str, Any], listener: Listener) -> None:
        self._ledger = Ledger(request["project"], request["ignored"])
        self._notes = request["notes"]
        self._listener = listener
        self._poll.register(listener.descriptor, select.POLLIN)
        self._line.sendall(b".")

    def _report(self, request: dict[str, Any]) -> None:
        assert self._ledger is not None
        self._ledger.complete(request["named"], request["sought"], request["listed"])
        written = {each.place for each in self._copies if _differ(each)}
        found = self._ledger.reads(request["folder"], written)
        self._line.sendall(json.dumps(encode(found)).encode() + b"\n")

    def _answer(self, listener: Listener) -> None:
        """Note a call and let it go on; a file that is opened for both gets a copy of its own."""
        asked = listener.receive()
        if asked is None:
            return
        copy = -1
        try:
            if self._ledger is not None and asked.path:
                if self._notes:
                    _note(self._ledger, asked)
                copy = self._copied(self._ledger, asked)
        finally:
            if copy < 0:
                listener.let_go(asked)
            else:
                listener.give(asked, copy)
                os.close(copy)

    def _copied(self, ledger: Ledger, asked: Notification) -> int:
        """Return a copy of a file of the project that is opened for reading and writing, else -1.

        Many open for both what they only read (`numpy.memmap` by default), and nobody may write
        into the project.
        """
        both = asked.does == OPENING and asked.flags & os.O_ACCMODE == os.O_RDWR
        makes = asked.flags & (os.O_CREAT | os.O_TRUNC)
        if not both or makes or not ledger.of_project(asked.path):
            return -1
        with suppress(OSError):
            if stat.S_ISREG(os.stat(asked.path).st_mode):
                return self._copy(asked.path)
        return -1

    def _copy(self, place: str) -> int:
        # The current folder is the server's scratch, which goes even if this process is killed.
        self._scratch = self._scratch or tempfile.mkdtemp(prefix="copies-", dir=os.getcwd())
        copy = os.path.join(self._scratch, str(len(self._copies)))
        shutil.copyfile(place, copy)
        descriptor = os.open(copy, os.O_RDWR | os.O_CLOEXEC)
        self._copies.append(Copy(place=place, copy=copy))
        return descriptor


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


def _differ(each: Copy) -> bool:
    """Tell whether a copy is no longer what it was copied from; what is gone, changed anyhow."""
    with suppress(FileNotFoundError), open(each.place, "rb") as one, open(each.copy, "rb") as other:
        while block := one.read(1 << 20):
            if block != other.read(1 << 20):
                return True
        return bool(other.read(1))
    return False
