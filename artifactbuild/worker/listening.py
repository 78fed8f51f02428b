"""The parent's ear: what a worker answers and prints, until it has ended or its time is up."""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from artifactbuild.data import decode
from artifactbuild.worker.messages import Part, Take, Tell
from artifactbuild.worker.output import Log

_BLOCK = 1 << 16
_PAUSE = 0.5
"""Seconds after which a silent worker is looked after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A worker at work: the process that tells of its end, and how to stop it."""

    process: subprocess.Popen[bytes]
    stop: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was heard of a worker: its report, its exit status if that was told, its being late.

    `started` are the programs that it started, each with the line of code that did.
    """

    report: dict[str, Any] | None
    status: int | None
    late: bool
    started: tuple[tuple[str, str], ...] = ()


def listen(
    channel: socket.socket,
    output: int,
    running: Running,
    log: Log,
    tell: Tell,
    take: Take,
    timeout: float | None,
    warn: Tell,
) -> Heard:
    """Hear a worker out; it is stopped when it takes longer than `timeout` seconds.

    Its end is told by the server, never by the end of its streams: what the user's code left
    running may hold those open.
    """
    report: dict[str, Any] | None = None
    status: int | None = None
    deadline = None if timeout is None else time.monotonic() + timeout
    late = False
    started: tuple[tuple[str, str], ...] = ()
    for message in _messages(channel, output, running, log):
        if message is None:
            if deadline is not None and not late and time.monotonic() > deadline:
                late = True
                running.stop()
        elif "progress" in message:
            tell(message["progress"])
        elif "warning" in message:
            warn(message["warning"])
        elif "started" in message:
            started = tuple((what, place) for what, place in message["started"])
        elif "part" in message:
            take(decode(Part, message["part"]))
        elif "exit" in message:
            status = message["exit"]
            break
        else:
            report = message
    _drain(output, log)
    return Heard(report=report, status=status, late=late, started=started)


def _messages(
    channel: socket.socket, output: int, running: Running, log: Log
) -> Iterator[dict[str, Any] | None]:
    """Yield each message, and None whenever there is time to look at the clock."""
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        selector.register(output, selectors.EVENT_READ)
        while True:
            gone = running.process.poll() is not None
            ready = {key.fd for key, _ in selector.select(0 if gone else _PAUSE)}
            if output in ready and not _copied(output, log):
                selector.unregister(output)
            if channel.fileno() in ready:
                block = _received(channel)
                *lines, pending = (pending + block).split(b"\n")
                yield from map(json.loads, lines)
                if not block:
                    return
            elif gone:
                return
            yield None


def _received(channel: socket.socket) -> bytes:
    try:
        return channel.recv(_BLOCK)
    except OSError:
        return b""


def _copied(output: int, log: Log) -> bool:
    """Copy a block of what was printed; False at its end."""
    block = os.read(output, _BLOCK)
    log.add(block)
    return bool(block)


def _drain(output: int, log: Log) -> None:
    """Copy what is still in the pipe; whoever writes on is none of ours."""
    os.set_blocking(output, False)
    for _ in range(1 << 4):
        try:
            if not _copied(output, log):
                return
        except BlockingIOError:
            return
