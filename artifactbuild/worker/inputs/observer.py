"""The builder's side of being observed: what it, and all that it starts, reads is noted next to it.

`split` forks: the builder goes on in the child, and its parent attends to it (`attendant`) and ends
as it ends. The parent is an ancestor of everything that it looks into, as the kernel wants it
(ptrace(2)).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import traceback
from collections.abc import Iterable, Mapping
from typing import NoReturn

from artifactbuild.data import decode
from artifactbuild.worker import enclosure, kernel
from artifactbuild.worker.inputs import notifications
from artifactbuild.worker.inputs.attendant import Attendant
from artifactbuild.worker.inputs.ledger import Reads


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
        status = Attendant(line, builder).attend()
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
