"""The warm process: imports TensorFlow once, runs no operation, and forks a child for each job.

A process that has imported TensorFlow and run nothing can be forked safely; after its first
operation every child hangs. So the server only listens, and all work is done in children. Where
forking is not to be had, a fresh interpreter does each job.

A job has a channel of its own. The parent writes the request and ends its side; the child answers
with JSON lines: any number of `{"progress": text}`, then `{"report": data}`; the server adds
`{"exit": status}` once the child is gone.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from artifactbuild.data import encode
from artifactbuild.worker.messages import Tell
from artifactbuild.worker.settings import DROPPED, KEPT, PINNED

PACKAGE = str(Path(__file__).resolve().parents[2])
"""Where the server finds this package: where its parent did."""

Job = Callable[[Any, Tell], Any]


class WorkerLost(Exception):
    """A worker ended without a report: `cause` says how, `log` is the file of what it printed."""

    def __init__(self, cause: str, log: Path, *, bug: bool) -> None:
        super().__init__(cause)
        self.cause = cause
        self.log = log
        self.bug = bug


def _silent(text: str) -> None:
    """Tell nobody."""
    del text


class Server:
    """The parent's side: starts the process on first use, runs jobs, ends with its `with` block.

    `run` may be called from several threads at once.
    """

    def __init__(self, *, forks: bool = sys.platform == "linux") -> None:
        self._forks = forks
        self._start = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._scratch = ""

    def __enter__(self) -> Server:
        self._scratch = tempfile.mkdtemp(prefix="artifactbuild-")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def run(self, job: str, request: Any, log: Path, tell: Tell = _silent) -> Any:
        """Return the report of a job as plain data; raises WorkerLost when there is none."""
        body = json.dumps(encode(request)).encode()
        start = self._forked if self._forks else self._fresh
        messages = start(job, body, log)
        return _report(messages, log, tell)

    def _forked(self, job: str, body: bytes, log: Path) -> Iterator[dict[str, Any]]:
        ours, theirs = socket.socketpair()
        with ours:
            with self._start, theirs:
                control = self._started()
                header = json.dumps({"job": job, "log": str(log)}).encode()
                try:
                    socket.send_fds(control, [header], [theirs.fileno()])
                    answered = control.recv(1)
                except OSError:
                    answered = b""
            if not answered:
                cause = "the TensorFlow process did not start"
                raise WorkerLost(cause, self._server_log(log), bug=False)
            ours.sendall(body)
            ours.shutdown(socket.SHUT_WR)
            with ours.makefile("rb") as lines:
                yield from map(json.loads, lines)

    def _started(self) -> socket.socket:
        if self._control is None:
            self._control, theirs = socket.socketpair()
            with theirs, open(Path(self._scratch, "server.log"), "wb") as log:
                self._process = subprocess.Popen(
                    _command(f"serve({theirs.fileno()})"),
                    env=_environment(self._scratch),
                    cwd=self._scratch,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[theirs.fileno()],
                )
        return self._control

    def _server_log(self, log: Path) -> Path:
        shutil.copyfile(Path(self._scratch, "server.log"), log)
        return log

    def _fresh(self, job: str, body: bytes, log: Path) -> Iterator[dict[str, Any]]:
        with subprocess.Popen(
            _command(f"once({job!r}, {str(log)!r})"),
            env=_environment(self._scratch),
            cwd=self._scratch,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(body)
            process.stdin.close()
            yield from map(json.loads, process.stdout)
        yield {"exit": process.returncode}


def _report(messages: Iterable[dict[str, Any]], log: Path, tell: Tell) -> Any:
    report: dict[str, Any] | None = None
    status = 0
    for message in messages:
        if "progress" in message:
            tell(message["progress"])
        elif "exit" in message:
            status = message["exit"]
        else:
            report = message
    if report is None:
        raise WorkerLost(_ending(status), log, bug=False)
    if "bug" in report:
        raise WorkerLost(report["bug"], log, bug=True)
    return report["report"]


def _ending(status: int) -> str:
    if status < 0:
        return f"the process was killed by {signal.Signals(-status).name}"
    return f"the process ended by itself with exit code {status}"


def _command(call: str) -> list[str]:
    return [sys.executable, "-c", f"from artifactbuild.worker import server; server.{call}"]


def _environment(scratch: str) -> dict[str, str]:
    """Return the caller's environment without what changes numbers or bytes, and with PINNED."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT or not k.startswith(DROPPED)}
    paths = [PACKAGE, *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, **PINNED, "PYTHONPATH": os.pathsep.join(paths), "KERAS_HOME": scratch}


def serve(control_fd: int) -> None:
    """Run the server process: fork a child for each request until the parent is gone."""
    jobs = _jobs()
    control = socket.socket(fileno=control_fd)
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, _noticed)
    signal.set_wakeup_fd(wake.fileno())
    channels: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if woken in ready:
                woken.recv(4096)
                _reap(channels)
            if control in ready and not _accept(control, jobs, channels):
                break
    for child in channels:
        os.kill(child, signal.SIGKILL)
    _leave(0)


def _noticed(number: int, frame: object) -> None:
    """Let the signal through to the wakeup descriptor; ignoring it would lose exit codes."""
    del number, frame


def _accept(
    control: socket.socket, jobs: dict[str, Job], channels: dict[int, socket.socket]
) -> bool:
    """Fork a child for one request; return False when the parent is gone."""
    header, fds, _, _ = socket.recv_fds(control, 65536, 1)
    if not header:
        return False
    call = json.loads(header)
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        control.close()
        for other in channels.values():
            other.close()
        channel = socket.socket(fileno=fds[0])
        with channel.makefile("rb") as requests, channel.makefile("wb") as answers:
            _do(jobs[call["job"]], call["log"], requests, answers)
    channels[child] = socket.socket(fileno=fds[0])
    control.sendall(b".")
    return True


def _reap(channels: dict[int, socket.socket]) -> None:
    for child in list(channels):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            channel = channels.pop(child)
            code = os.waitstatus_to_exitcode(status)
            channel.sendall(json.dumps({"exit": code}).encode() + b"\n")
            channel.close()


def once(job: str, log: str) -> None:
    """Do one job in a fresh interpreter: request on standard input, answers on standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    _do(_jobs()[job], log, sys.stdin.buffer, answers)


def _jobs() -> dict[str, Job]:
    """Import TensorFlow, without the collector (a third of the time), and name what can be done."""
    gc.disable()
    from artifactbuild.worker import build, difference, propose, validate

    gc.enable()
    gc.freeze()
    return {
        "build": build.run,
        "difference": difference.run,
        "propose": propose.run,
        "validate": validate.run,
    }


def _do(job: Job, log: str, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Do one job and leave the process; a failure of our own is reported as a bug."""

    def answer(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message).encode() + b"\n")
        answers.flush()

    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        report = job(json.load(requests), lambda text: answer({"progress": text}))
        answer({"report": encode(report)})
    except Exception:  # noqa: BLE001, the door of a worker
        traceback.print_exc()
        answer({"bug": traceback.format_exc()})
        _leave(3)
    _leave(0)


def _leave(code: int) -> None:
    """End the process without TensorFlow's slow shutdown."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
