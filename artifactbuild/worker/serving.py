"""The server process: it imports TensorFlow, runs no operation, and forks a child for each job.

It ends with its parent, and nothing that a job started outlives the job: children that lose their
parent come to the server, which ends them; `enclosure` sees to what outlives the server.
"""

from __future__ import annotations

import codecs
import ctypes
import errno
import faulthandler
import fcntl
import importlib
import json
import os
import resource
import select
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from artifactbuild import data
from artifactbuild.data import encode
from artifactbuild.worker import confining, enclosure, importing, kernel
from artifactbuild.worker.confinement import Confinement
from artifactbuild.worker.confining import Place
from artifactbuild.worker.inputs import observer
from artifactbuild.worker.messages import BuildRequest, Line, Part, ValidateRequest

Job = Callable[[Any, Line], Any]

BUILD, VALIDATE, RERUN = "build", "validate", "rerun"
"""The jobs of which it depends on the request, or on the job, what is observed of them."""

CUT_OFF = 86
"""Exit code of a worker whose code closed the channel that it answers by."""

GRACE = 2.0
"""Seconds that a worker gets to write down where it stands when it is stopped."""

_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000
_OF_THE_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A job at work: its number, and the channel that its end is told on."""

    number: int
    channel: socket.socket


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """The jobs at work by process, and the moment to kill each that is being stopped."""

    jobs: dict[int, Child] = field(default_factory=dict)
    stopped: dict[int, float] = field(default_factory=dict)


def serve(control_fd: int) -> None:
    """Run the server process: fork a child for each request until the parent is gone."""
    enclosed = enclosure.enter(control_fd, as_first=True)
    control = socket.socket(fileno=control_fd)
    kernel.adopt_orphans()
    _leave_when_alone(control)
    jobs = _jobs()
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, _noticed)
    signal.set_wakeup_fd(wake.fileno())
    children = Children()
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select(0.1 if children.stopped else None)}
            if woken in ready:
                woken.recv(4096)
                _reap(children)
            _kill_late(children)
            if control in ready and not _accept(control, jobs, children, enclosed=enclosed):
                break
    for child in children.jobs:
        os.kill(child, signal.SIGKILL)
    enclosure.end_orphans()
    shutil.rmtree(os.getcwd(), ignore_errors=True)
    _leave(0)


def once(job: str, channel_fd: int, *, cut: bool = False, shut_in: bool = False) -> None:
    """Do one job in a fresh interpreter; what it prints goes where its output goes.

    With `cut`, it leaves the network first. One that is `shut_in` by others needs no enclosure.
    """
    enclosed = not shut_in and enclosure.enter(channel_fd, as_first=False)
    channel = socket.socket(fileno=channel_fd)
    if cut:
        _cut_network()
    if shut_in and sys.platform == "linux":
        kernel.die_with_parent()
    place = Place(scratch=tempfile.mkdtemp(prefix="job-", dir=os.getcwd()), enclosed=enclosed)
    _do(job, _jobs(), channel, place)


def _cut_network() -> None:
    """Leave the network for good, where the system lets us: in namespaces of one's own."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
            libc.unshare(_CLONE_NEWNET)


def _leave_when_alone(control: socket.socket) -> None:
    """Leave at once if the parent goes while TensorFlow is being imported."""
    poll = select.poll()
    poll.register(control, 0)

    def look(number: int, frame: object) -> None:
        del number, frame
        if any(event & select.POLLHUP for _, event in poll.poll(0)):
            shutil.rmtree(os.getcwd(), ignore_errors=True)
            os._exit(0)

    signal.signal(signal.SIGIO, look)
    signal.siginterrupt(signal.SIGIO, False)
    fcntl.fcntl(control, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(control, fcntl.F_SETFL, fcntl.fcntl(control, fcntl.F_GETFL) | os.O_ASYNC)
    look(0, None)


def _noticed(number: int, frame: object) -> None:
    """Let the signal through to the wakeup descriptor; ignoring it would lose exit codes."""
    del number, frame


def _accept(
    control: socket.socket, jobs: dict[str, Job], children: Children, *, enclosed: bool
) -> bool:
    """Fork a child for one request, or stop one; return False when the parent is gone."""
    header, fds, _, _ = socket.recv_fds(control, 65536, 2)
    if not header:
        return False
    call = json.loads(header)
    if "stop" in call:
        _stop(call["stop"], children)
    else:
        channel, output = socket.socket(fileno=fds[0]), fds[1]
        channel.set_inheritable(False)
        server, child = os.getpid(), os.fork()
        if child == 0:
            try:
                _become_job(server, control, output, children)
                place = Place(scratch=_scratch(call["number"]), enclosed=enclosed)
                _do(call["job"], jobs, channel, place)
            finally:
                os._exit(3)
        os.close(output)
        children.jobs[child] = Child(number=call["number"], channel=channel)
    with suppress(OSError):
        control.sendall(b".")
    return True


def _become_job(server: int, control: socket.socket, output: int, children: Children) -> None:
    """Leave the server's things behind, in a session of one's own; die when the server does."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    os.setsid()
    kernel.die_with_parent()
    if os.getppid() != server:
        os._exit(0)
    control.close()
    for other in children.jobs.values():
        other.channel.close()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)


def _stop(number: int, children: Children) -> None:
    """Ask a job to write down where it stands and abort; `_kill_late` does the rest."""
    for child, job in children.jobs.items():
        if job.number == number:
            os.kill(child, signal.SIGABRT)
            children.stopped[child] = time.monotonic() + GRACE


def _kill_late(children: Children) -> None:
    for child, moment in children.stopped.items():
        if time.monotonic() > moment:
            os.kill(child, signal.SIGKILL)


def _reap(children: Children) -> None:
    """Take the exit codes of those who ended; a job ends with all that it started."""
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not ended:
            return
        job = children.jobs.pop(ended, None)
        if job is None:
            continue
        children.stopped.pop(ended, None)
        enclosure.end_orphans(children.jobs)
        shutil.rmtree(_scratch(job.number), ignore_errors=True)
        code = os.waitstatus_to_exitcode(status)
        with suppress(OSError), job.channel:
            job.channel.sendall(json.dumps({"exit": code}).encode() + b"\n")


def _scratch(number: int) -> str:
    """Return the folder in which a job has its home and its temporary files."""
    return f"{os.getcwd()}/{number}"


def _jobs() -> dict[str, Job]:
    """Import TensorFlow and what building takes, and name what can be done."""
    with importing.quick():
        from tensorflow.python.framework import op_def_registry

        from artifactbuild.worker import build, load, validate

        # What most jobs would work out anew: the page of codes of zip files, the types of requests,
        # and the list of all operations, made when one that is not among them is asked for.
        assert load
        op_def_registry.get("")
        for codec in ("ascii", "cp437"):
            codecs.lookup(codec)
        for noun in (BuildRequest, Confinement, ValidateRequest):
            data.prepare(noun)
    return {
        "ask": _of("ask"),
        BUILD: build.run,
        "difference": _of("difference"),
        "inspect": _of("static"),
        "propose": _of("propose"),
        RERUN: _of("rerun"),
        VALIDATE: validate.run,
        "weigh": _of("weigh"),
    }


def _of(module: str) -> Job:
    """Return a job that is seldom asked for: whoever does it imports it."""

    def run(data: Any, tell: Line) -> Any:
        return importlib.import_module(f"artifactbuild.worker.{module}").run(data, tell)

    return run


def _do(name: str, jobs: dict[str, Job], channel: socket.socket, place: Place) -> None:
    """Do one job and leave the process, whatever its code does; a failure of ours is a bug."""
    with channel.makefile("rb") as requests:
        asked = json.load(requests)
    observed = observer.split() if _runs_project_code(name, asked) else None
    faulthandler.enable()
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    me = os.getpid()

    def answer(message: dict[str, Any]) -> None:
        if os.getpid() != me:
            os._exit(0)  # a fork of the user's code came back into ours
        try:
            channel.sendall(json.dumps(message).encode() + b"\n")
        except OSError:  # closed, or its number is a file's by now
            _leave(CUT_OFF)

    try:
        confining.begin(asked["confinement"], place, answer)
        report = _run(name, jobs, asked, _Line(answer), observed)
        confining.end(report, answer)
        answer({"report": encode(report)})
    except BaseException as error:  # noqa: BLE001, the door of a worker
        traceback.print_exc()
        answer(_failure(error))
        _leave(3)
    _leave(0)


def _runs_project_code(name: str, asked: dict[str, Any]) -> bool:
    """Tell whether a job is confined and runs code of the project, which is then observed."""
    if asked["confinement"] is None:
        return name == BUILD
    if name == VALIDATE:
        return bool(asked["request"]["loader"]["sources"])
    return name != RERUN or asked["request"]["sources"] is not None


def _run(
    name: str,
    jobs: dict[str, Job],
    asked: dict[str, Any],
    line: Line,
    observed: observer.Observer | None,
) -> Any:
    """Do a job; one that is observed without noting inputs gets copies of what it may write."""
    if name == BUILD:
        from artifactbuild.worker import build  # imported by `_jobs`, with TensorFlow

        return build.run(asked["request"], line, observed)
    if observed is not None:
        confining.give_copies(observed)
    return jobs[name](asked["request"], line)


@dataclass(frozen=True, slots=True)
class _Line:
    """The line of a job: what it tells and gives goes to its channel."""

    answer: Callable[[dict[str, Any]], None]

    def __call__(self, text: str) -> None:
        self.answer({"progress": text})

    def give(self, part: Part) -> None:
        self.answer({"part": encode(part)})

    def warn(self, text: str) -> None:
        self.answer({"warning": text})


def _failure(error: BaseException) -> dict[str, str]:
    """Tell a failure of the machine, or of code that ends its interpreter, from a bug of ours."""
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        return {"cause": str(error)}
    if not isinstance(error, Exception) or isinstance(error, MemoryError):
        return {"cause": f"{type(error).__name__}: {error}".removesuffix(": ")}
    return {"bug": "".join(traceback.format_exception(error))}


def _leave(code: int) -> None:
    """End the process without TensorFlow's slow shutdown."""
    with suppress(Exception):
        sys.stdout.flush()
    with suppress(Exception):
        sys.stderr.flush()
    os._exit(code)
