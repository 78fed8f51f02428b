"""A process that takes all that it started with it, however it ends.

It works as the first process of a namespace (`pid_namespaces(7)`): when that one dies, the kernel
kills all the others, daemons in sessions of their own included. A watcher stays outside. It ends
the namespace when whoever asked for the work is gone, and the namespace ends when the watcher does.
Where no namespace can be had the watcher adopts and ends what loses its parent; then a kill of both
at once may leave a daemon behind.
"""

from __future__ import annotations

import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Container
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from artifactbuild.worker import kernel

GRACE = 5.0
"""Seconds that the work gets to end in good order once nobody waits for it any more."""

_PAUSE = 20
"""Milliseconds between two looks at something that cannot be waited for."""

_NONE = 0
_OF_ROOT = kernel.NEW_PROCESSES | kernel.NEW_MOUNTS
_OF_USERS = _OF_ROOT | kernel.NEW_USER


def enter(asker: int, *, as_first: bool) -> bool:
    """Go on in a process that takes what it starts with it; return whether it is in a namespace.

    `asker` is a socket that hangs up when nobody waits for the work any more. With `as_first`, the
    caller itself is the namespace's first process, which signals of its own children cannot end.
    Must be called while there is one thread.
    """
    if sys.platform != "linux":
        return False
    flags = _possible()
    kernel.adopt_orphans()
    if flags:
        kernel.unshare(flags)
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        _watch(child, asker, reading)
    os.close(reading)
    if flags:  # else the work must end what it started itself, when its asker hangs up
        kernel.die_with_parent()
        if _is_hung_up(writing):
            os._exit(0)
        _settle()
        if not as_first:
            _become_child(writing)
    os.close(writing)
    return bool(flags)


def end_orphans(spared: Container[int] = ()) -> None:
    """End the children that are not spared, however deep: each that is killed may bring more."""
    while orphans := [child for child in _own_children() if child not in spared]:
        for child in orphans:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        for child in orphans:
            with suppress(ChildProcessError):
                os.waitpid(child, 0)


def _own_children() -> list[int]:
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return found


def available() -> bool:
    """Tell whether namespaces can be had here."""
    return sys.platform == "linux" and bool(_possible())


def _possible() -> int:
    """Return the namespaces that can be had, found out by a child that goes into them."""
    if kernel.is_left_out(kernel.NAMESPACES):
        return _NONE
    # Root keeps its own namespace for users: in a new one it could not read the files of others.
    flags = _OF_USERS if os.geteuid() else _OF_ROOT
    return flags if _holds(flags) else _NONE


def _holds(flags: int) -> bool:
    def leave() -> int:
        kernel.unshare(flags)
        return _status_of(_try)

    return _status_of(leave) == 0


def _try() -> int:
    """Do all that is asked of a namespace: processes seen by their numbers, a read-only folder."""
    _settle()
    if os.readlink("/proc/self") != str(os.getpid()):
        return 1
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        kernel.mount(folder, folder, flags=kernel.BIND | kernel.RECURSIVE)
        kernel.make_read_only(folder)
        with suppress(OSError):
            Path(folder, "written").touch()
            return 1
        kernel.make_read_only(folder, undo=True)
        Path(folder, "written").touch()
        Path(folder, "written").unlink()
        kernel.unmount(folder)
    return 0


def _status_of(work: Callable[[], int]) -> int:
    """Run a function in a child; return its exit code."""
    child = os.fork()
    if child == 0:
        status = 1
        with suppress(OSError):
            status = work()
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _settle() -> None:
    """Give the namespace's processes a /proc of their own; mounts outside do not change."""
    kernel.mount("", "/", flags=kernel.SLAVE | kernel.RECURSIVE)
    safe = kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_PROGRAMS
    kernel.mount("proc", "/proc", "proc", safe)


def _is_hung_up(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


def _become_child(writing: int) -> None:
    """Go on in a child of the namespace's first process, which hands its exit status on.

    The first process of a namespace cannot be ended by signals of its own, such as `os.abort`.
    """
    child = os.fork()
    if child == 0:
        return
    signal.signal(signal.SIGABRT, lambda *_: os.kill(child, signal.SIGABRT))
    while True:
        with suppress(ChildProcessError):
            ended, status = os.waitpid(-1, 0)
            if ended != child:
                continue
            os.write(writing, str(status).encode())
        os._exit(0)


def _watch(child: int, asker: int, reading: int) -> None:
    """Wait for the work's end, or end it when nobody waits for it; then end as it did."""
    signal.signal(signal.SIGABRT, lambda *_: os.kill(child, signal.SIGABRT))
    _wait(child, asker)
    deadline = time.monotonic() + GRACE
    while not _has_ended(child) and time.monotonic() < deadline:
        time.sleep(_PAUSE / 1000)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    end_orphans()
    if _is_hung_up(asker):
        shutil.rmtree(os.getcwd(), ignore_errors=True)
    handed_on = os.read(reading, 16)
    end_as(int(handed_on) if handed_on else status)


def _wait(child: int, asker: int) -> None:
    """Wait until the work has ended, or nobody waits for it."""
    poll = select.poll()
    poll.register(asker, 0)
    try:
        work = os.pidfd_open(child)
    except OSError:  # an old kernel: look now and then
        while not _has_ended(child) and not poll.poll(_PAUSE):
            pass
        return
    poll.register(work, select.POLLIN)
    poll.poll()
    os.close(work)


def _has_ended(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end_as(status: int) -> NoReturn:
    """End this process as another one ended, without a memory dump of its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(max(code, 0))
