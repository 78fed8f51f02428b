"""The second door: one job on an artifact that nobody vouches for, in a process shut off.

A fresh interpreter with nothing of the caller's environment, an empty home, no network, and limits
on time, memory and files. In bubblewrap (Linux) it also sees no file but the system's, Python's and
the artifact's, all read-only. https://github.com/containers/bubblewrap

Without it, a job can reach whatever its user can, Unix sockets included; but what it is asked to
look at is read-only, and what it starts ends with it where there are namespaces (`enclosure`).
"""

from __future__ import annotations

import functools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from artifactbuild import searching
from artifactbuild.data import Mismatch, loads
from artifactbuild.limits import Limits
from artifactbuild.problems import Problem, Refusal, WorkerLost
from artifactbuild.worker.confinement import Confinement
from artifactbuild.worker.server import PACKAGE, body, command, ended_by
from artifactbuild.worker.settings import PINNED

BUBBLEWRAP, NONE = "bubblewrap", "none"

INSTALL = (
    "install the package bubblewrap (`apt-get install bubblewrap`, `dnf install bubblewrap`), "
    "or add `--no-sandbox` to go on without it"
)

SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/opt/rocm",
    "/nix/store",
)
OWN = ("artifactbuild", "schemas", "templates")
"""What of this package a sandbox sees: a checkout has more beside it."""

KEPT = ("LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")
"""What of the caller's environment Python may need to find TensorFlow."""

GRACE = 2.0
"""Seconds that a process which has answered gets to end by itself."""


def kind() -> str:
    """Say which sandbox there is: `bubblewrap`, or `none`."""
    return BUBBLEWRAP if _bubblewrap() else NONE


def refuse_none() -> None:
    """Refuse to run an artifact that nothing shuts in.

    Raises:
        Refusal: when bubblewrap is missing or does not work here.
    """
    program, why_not = tried()
    if not program:
        message = f"{why_not}: an artifact that runs could reach your files and sockets"
        raise Refusal(Problem(file="verify --run", message=message, hint=INSTALL))


def run(job: str, request: Any, readable: Sequence[Path], limits: Limits) -> Any:
    """Do a job and return its report as plain data.

    `readable` are the folders that a sandbox lets it see.

    Raises:
        WorkerLost: when it gave no report: it died, took too long, or said something else.
    """
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryDirectory(prefix="artifactbuild-") as home, ours:
        with theirs:
            process = _started(job, theirs.fileno(), Path(home), readable)
        try:
            with suppress(OSError):
                ours.sendall(body(request, _confinement(readable)))
                ours.shutdown(socket.SHUT_WR)
            answers = _heard(ours, limits)
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        finally:
            _end(process)
    return _report(answers, process.returncode)


def _started(
    job: str, channel: int, home: Path, readable: Sequence[Path]
) -> subprocess.Popen[bytes]:
    wrapped = _wrapped(home, readable)
    call = f"once({job!r}, {channel}, cut=True, shut_in={bool(wrapped)})"
    return subprocess.Popen(
        [*wrapped, *command(call)],
        env=_environment(home),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[channel],
        start_new_session=True,
    )


def _confinement(readable: Sequence[Path]) -> Confinement | None:
    """Return what is read-only without bubblewrap, which shows all of it read-only itself."""
    if _bubblewrap():
        return None
    folders = tuple(map(str, readable))
    return Confinement(project=folders[-1], folder=folders[0], protected=folders)


def _heard(channel: socket.socket, limits: Limits) -> bytes:
    """Return all that is answered until the channel ends; it has an end in time and in bytes."""
    answers, deadline = b"", time.monotonic() + limits.seconds
    while True:
        channel.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            block = channel.recv(1 << 16)
        except TimeoutError:
            raise _lost(f"it took more than {limits.seconds} s") from None
        except OSError:
            return answers
        if not block:
            return answers
        answers += block
        if len(answers) > limits.file:
            raise _lost(f"it answered with more than {limits.file} bytes")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _report(answers: bytes, status: int) -> Any:
    """Return the report out of what was answered, which the artifact may have had a say in."""
    try:
        said = [loads(line) for line in answers.splitlines()]
        ends = [m for m in said if isinstance(m, dict) and {"report", "bug", "cause"} & m.keys()]
    except Mismatch:
        ends = []
    if not ends:
        raise _lost(f"the process {ended_by(status)}")
    if "report" not in ends[0]:
        why = str(ends[0].get("bug") or ends[0]["cause"])
        raise WorkerLost(why, Path(os.devnull), bug="bug" in ends[0])
    return ends[0]["report"]


def _lost(cause: str) -> WorkerLost:
    return WorkerLost(cause, Path(os.devnull), bug=False)


def _environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    paths = [PACKAGE, *searching.named_modules()]
    own = {"HOME": str(home), "KERAS_HOME": str(home), "TMPDIR": str(home), "PATH": os.defpath}
    return {**kept, **PINNED, **own, "PYTHONPATH": os.pathsep.join(paths)}


def _wrapped(home: Path, readable: Sequence[Path]) -> list[str]:
    """Return the command line that shuts the next command in; empty without bubblewrap."""
    program = _bubblewrap()
    if not program:
        return []
    bound = [[option, path, path] for option, path in _bound(home, readable)]
    return [
        program,
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",  # noqa: S108, the sandbox's own
        *(part for each in bound for part in each),
        "--chdir",
        str(home),
        "--",
    ]


def _bound(home: Path, readable: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield what the sandbox sees, outer folders first."""
    own = [Path(PACKAGE, name) for name in OWN]
    python = [sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.realpath(sys.executable)]
    searched = [path for path in sys.path if path not in ("", PACKAGE, os.getcwd())]
    for path in sorted({*SYSTEM, *python, *searched, *map(str, own), *map(str, readable)}):
        if os.path.exists(path):
            yield "--ro-bind", os.path.abspath(path)
    yield "--bind", str(home)


@functools.cache
def tried() -> tuple[str, str]:
    """Return the path of a bubblewrap that works here, or nothing and why not."""
    program = searching.program("bwrap")
    if program is None:
        return "", "bubblewrap is not installed"
    trial = [program, "--unshare-all", "--ro-bind", "/", "/", "true"]
    try:
        tried = subprocess.run(trial, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"bubblewrap does not work here: {error}"
    if tried.returncode == 0:
        return program, ""
    said = tried.stderr.decode(errors="replace").strip().splitlines() or ["it says nothing"]
    return "", f"bubblewrap does not work here: {said[-1]}"


def _bubblewrap() -> str:
    return tried()[0]
