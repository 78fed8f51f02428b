"""The warm process: imports TensorFlow once, runs no operation, and forks a child for each job.

A process that has imported TensorFlow and run nothing can be forked safely; after its first
operation every child hangs. So the server only listens, and all work is done in children
(`serving`). Where forking is not to be had, a fresh interpreter does each job.

A job has a channel of its own. The parent writes the request and ends its side; the child answers
with JSON lines: any number of `{"progress": text}` and `{"part": data}`, then `{"report": data}`;
the server adds `{"exit": status}` once the child is gone. What the child prints comes by a pipe.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from artifactbuild import searching
from artifactbuild.data import encode
from artifactbuild.problems import WorkerLost
from artifactbuild.release import environment
from artifactbuild.worker import complaints, installation
from artifactbuild.worker.confinement import Confinement
from artifactbuild.worker.installation import Broken
from artifactbuild.worker.listening import Heard, Running, listen
from artifactbuild.worker.messages import Take, Tell
from artifactbuild.worker.output import Log
from artifactbuild.worker.room import Room, of_machine
from artifactbuild.worker.serving import CUT_OFF, GRACE
from artifactbuild.worker.settings import DROPPED, KEPT, NATIVE, pins

PACKAGE = str(Path(__file__).resolve().parents[2])
"""Where the server finds this package: where its parent did."""

PATIENCE = 10.0
"""Seconds that the server gets to end its children and itself."""


def _silent(what: Any) -> None:
    """Tell nobody."""
    del what


class Server:
    """The parent's side: starts the process on first use, runs jobs, ends with its `with` block.

    `run` may be called from several threads at once. A job that takes longer than `timeout`
    seconds is stopped; None lets it run. As many run at once as there is `room` for.
    """

    def __init__(
        self,
        *,
        forks: bool = sys.platform == "linux",
        timeout: float | None = None,
        room: Room | None = None,
        warn: Tell = _silent,
        processor: str = NATIVE,
    ) -> None:
        self.room = room or of_machine()
        self._forks = forks
        self._timeout = timeout
        self._warning = warn
        self._warned: set[str] = set()
        self._asking = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._alone: list[subprocess.Popen[bytes]] = []
        self._control: socket.socket | None = None
        self._scratch = ""
        self._asked = 0
        self._ended = False
        self._broken: Broken | None = None
        self._processor = processor
        self._others: dict[str, Server] = {}

    def __enter__(self) -> Server:
        environment.hold_keras(environment.installed("keras"), os.environ)
        environment.hold_tensorflow(environment.installed("tensorflow"))
        self._scratch = tempfile.mkdtemp(prefix="artifactbuild-")
        return self

    def of(self, processor: str) -> Server:
        """Return the server whose workers use the kernels of a processor; it ends with this one.

        Libraries choose their kernels once in a process, some when they are imported, so that it
        has a process of its own to fork.
        """
        if processor == self._processor:
            return self
        with self._asking:
            if processor not in self._others:
                other = Server(
                    forks=self._forks,
                    timeout=self._timeout,
                    room=self.room,
                    warn=self._warn,
                    processor=processor,
                )
                self._others[processor] = other.__enter__()
                other._ended = self._ended
            return self._others[processor]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        for other in tuple(self._others.values()):
            other.__exit__(kind, error, trace)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def warm(self) -> None:
        """Begin to import TensorFlow, where jobs are forked, before the first one is asked for."""
        if self._forks:
            with self._asking:
                self._started(Path(self._scratch, "server.log"))

    def stop(self) -> None:
        """End every job and the process: whoever waits in `run` gets WorkerLost."""
        self._ended = True
        for other in tuple(self._others.values()):
            other.stop()
        for each in self._alone:
            each.kill()
            each.wait()
        if self._control is not None:
            with suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)
            self._control.close()
        if self._process is not None:
            if not self._asked:  # it has no children to end
                self._process.kill()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    @property
    def ended(self) -> bool:
        """Tell whether it was stopped: what is lost then is nobody's fault."""
        return self._ended

    def run(
        self,
        job: str,
        request: Any,
        log: Path,
        tell: Tell = _silent,
        take: Take = _silent,
        *,
        need: int = 0,
        confinement: Confinement | None = None,
    ) -> Any:
        """Return the report of a job as plain data; raises WorkerLost when there is none.

        Raises Broken when the libraries cannot be imported. Waits until there is room for it;
        `need` is what it will take of memory, in bytes. `take` takes what is ready before the
        report. `confinement` says what the job may not write.
        """
        with self.room.taken(need):
            heard, running = self._run(job, body(request, confinement), log, tell, take)
        report = self._report(heard, running, log)
        if confinement is not None:
            for text in complaints.found(
                confinement, heard.started, report, log, tuple(self._warned)
            ):
                self._warn(text)
        return report

    def _warn(self, text: str) -> None:
        """Say a warning once."""
        with self._asking:
            is_new = text not in self._warned
            self._warned.add(text)
        if is_new:
            self._warning(text)

    def _run(
        self, job: str, body: bytes, log: Path, tell: Tell, take: Take
    ) -> tuple[Heard, Running]:
        start = self._forked if self._forks else self._fresh
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        with ours, os.fdopen(reading, "rb", 0) as output:
            with theirs, os.fdopen(writing, "wb", 0) as printed:
                running = start(job, theirs.fileno(), printed.fileno(), log)
            with suppress(OSError):
                ours.sendall(body)
                ours.shutdown(socket.SHUT_WR)
            with Log(log) as kept:
                heard = listen(
                    ours, output.fileno(), running, kept, tell, take, self._timeout, self._warn
                )
        return heard, running

    def _forked(self, job: str, channel: int, output: int, log: Path) -> Running:
        with self._asking:
            process = self._started(log)
            self._asked += 1
            number = self._asked
            if not self._ask({"job": job, "number": number}, channel, output):
                self._look_for_broken()
                cause = "the TensorFlow process did not start"
                raise WorkerLost(cause, self._server_log(log), bug=False)

        def stop() -> None:
            with self._asking:
                self._ask({"stop": number})

        return Running(process=process, stop=stop)

    def _started(self, log: Path) -> subprocess.Popen[bytes]:
        """Return the process, a new one if there is none or the last one was killed."""
        if self._ended:
            raise WorkerLost("it was stopped", log, bug=False)
        if self._broken is not None:
            raise self._broken
        if self._process is not None and self._process.poll() is None:
            return self._process
        if self._control is not None:
            self._control.close()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, open(Path(self._scratch, "server.log"), "wb") as printed:
            self._process = subprocess.Popen(
                command(f"serve({theirs.fileno()})"),
                env=_environment(self._scratch, self._processor),
                cwd=self._scratch,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return self._process

    def _look_for_broken(self) -> None:
        """Raise Broken, now and at each later job, if a library cannot be imported."""
        self._broken = self.broken(installation.LIBRARIES)
        if self._broken is not None:
            raise self._broken

    def broken(self, libraries: Sequence[str]) -> Broken | None:
        """Return what is wrong with the first of these libraries that a worker cannot import."""
        return installation.look(libraries, _environment(self._scratch, self._processor))

    def _ask(self, what: dict[str, Any], *descriptors: int) -> bool:
        """Ask the server for something; False when it does not answer."""
        assert self._control is not None
        try:
            socket.send_fds(self._control, [json.dumps(what).encode()], descriptors)
            return bool(self._control.recv(1))
        except OSError:
            return False

    def _server_log(self, log: Path) -> Path:
        with suppress(OSError):
            shutil.copyfile(Path(self._scratch, "server.log"), log)
        return log

    def _fresh(self, job: str, channel: int, output: int, log: Path) -> Running:
        if self._ended:
            raise WorkerLost("it was stopped", log, bug=False)
        process = subprocess.Popen(
            command(f"once({job!r}, {channel})"),
            env=_environment(self._scratch, self._processor),
            cwd=self._scratch,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[channel],
            start_new_session=True,
        )
        self._alone.append(process)

        def stop() -> None:
            process.send_signal(signal.SIGABRT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            process.kill()

        return Running(process=process, stop=stop)

    def _report(self, heard: Heard, running: Running, log: Path) -> Any:
        found = heard.report or {}
        if "report" in found:
            return found["report"]
        if heard.late:
            cause = f"it took longer than --timeout allows, {self._timeout:g} s, and was stopped"
            raise WorkerLost(cause, log, bug=False)
        if found:
            raise WorkerLost(next(iter(found.values())), log, bug="bug" in found)
        if self._ended:
            raise WorkerLost("it was stopped", log, bug=False)
        if heard.status is not None:
            raise WorkerLost(f"the process {ended_by(heard.status)}", log, bug=False)
        who = "the TensorFlow process that it came from" if self._forks else "the process"
        raise WorkerLost(f"{who} {ended_by(running.process.wait())}", log, bug=False)


def body(request: Any, confinement: Confinement | None) -> bytes:
    """Return what a worker reads: its request, and what it may not write."""
    return json.dumps({"request": encode(request), "confinement": encode(confinement)}).encode()


def ended_by(status: int) -> str:
    """Say how a process ended."""
    if status == -signal.SIGKILL:
        return "was killed by SIGKILL, perhaps for want of memory"
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    if status == CUT_OFF:
        return "was cut off: its code closed the descriptor that it answers by"
    return f"ended by itself with exit code {status}"


def command(call: str) -> list[str]:
    """Return the command line of an interpreter that makes one call of `serving`."""
    return [sys.executable, "-c", f"from artifactbuild.worker import serving; serving.{call}"]


def _environment(scratch: str, processor: str = NATIVE) -> dict[str, str]:
    """Return the caller's environment without what changes numbers or bytes, and with the pins."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT or not k.startswith(DROPPED)}
    paths = os.pathsep.join([PACKAGE, *searching.named_modules()])
    return {**kept, **pins(processor), "PYTHONPATH": paths, "KERAS_HOME": scratch}
