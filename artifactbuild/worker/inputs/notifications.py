"""Seccomp notifications: a supervisor is asked before a process opens, lists or looks for a file.

The filter stays with the process and everything that it starts. The supervisor only looks: it lets
each call go on, or gives a descriptor in its place. See seccomp_unotify(2), and seccomp(2) for the
program of the filter.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass

OPENING, LOOKING, LISTING, RUNNING = "opening", "looking", "listing", "running"
CHANGING, MAKING, MOVING = "changing", "making", "moving"
"""To remove or change what is there, to make what is not, to move something to a place."""

AT_CWD = -100
"""The descriptor of a folder that stands for the current one (`AT_FDCWD`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A system call that names a file: what it does, and which of its arguments say what.

    `folder`, `path`, `flags` are places of arguments, -1 for none; `ignored` are bits of the
    argument `ignored_in` with which it names no path.
    """

    does: str
    folder: int = -1
    path: int = -1
    flags: int = -1
    fixed: int = 0
    """The flags of a call that takes none."""
    ignored_in: int = -1
    ignored: int = 0


_EMPTY_PATH = 0x1000
_OPEN = Call(does=OPENING, path=0, flags=1)
_OPENAT = Call(does=OPENING, folder=0, path=1, flags=2)
_OPENAT2 = Call(does=OPENING, folder=0, path=1, flags=-2)
_CREAT = Call(does=OPENING, path=0, fixed=os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
_LOOK = Call(does=LOOKING, path=0)
_LOOK_AT = Call(does=LOOKING, folder=0, path=1)
_STAT_AT = Call(does=LOOKING, folder=0, path=1, ignored_in=3, ignored=_EMPTY_PATH)
_STATX = Call(does=LOOKING, folder=0, path=1, ignored_in=2, ignored=_EMPTY_PATH)
_LIST = Call(does=LISTING, folder=0)
_RUN = Call(does=RUNNING, path=0)
_RUN_AT = Call(does=RUNNING, folder=0, path=1)

_CHANGE, _CHANGE_AT = Call(does=CHANGING, path=0), Call(does=CHANGING, folder=0, path=1)
_MAKE, _MAKE_AT = Call(does=MAKING, path=0), Call(does=MAKING, folder=0, path=1)
_LINK, _LINK_AT = Call(does=MAKING, path=1), Call(does=MAKING, folder=2, path=3)
_SYMLINK_AT = Call(does=MAKING, folder=1, path=2)
_MOVE, _MOVE_AT = Call(does=MOVING, path=1), Call(does=MOVING, folder=2, path=3)

_X86_64 = {
    2: _OPEN,
    4: _LOOK,
    6: _LOOK,
    21: _LOOK,
    59: _RUN,
    85: _CREAT,
    217: _LIST,
    257: _OPENAT,
    262: _STAT_AT,
    269: _LOOK_AT,
    322: _RUN_AT,
    332: _STATX,
    437: _OPENAT2,
    439: _LOOK_AT,
    # truncate, rename, mkdir, rmdir, link, unlink, symlink, chmod, chown
    76: _CHANGE,
    82: _MOVE,
    83: _MAKE,
    84: _CHANGE,
    86: _LINK,
    87: _CHANGE,
    88: _LINK,
    90: _CHANGE,
    92: _CHANGE,
    # mkdirat, fchownat, unlinkat, renameat, linkat, symlinkat, fchmodat, renameat2
    258: _MAKE_AT,
    260: _CHANGE_AT,
    263: _CHANGE_AT,
    264: _MOVE_AT,
    265: _LINK_AT,
    266: _SYMLINK_AT,
    268: _CHANGE_AT,
    316: _MOVE_AT,
}
_AARCH64 = {
    48: _LOOK_AT,
    56: _OPENAT,
    61: _LIST,
    79: _STAT_AT,
    221: _RUN,
    281: _RUN_AT,
    291: _STATX,
    437: _OPENAT2,
    439: _LOOK_AT,
    # mkdirat, unlinkat, symlinkat, linkat, renameat, truncate, fchmodat, fchownat, renameat2
    34: _MAKE_AT,
    35: _CHANGE_AT,
    36: _SYMLINK_AT,
    37: _LINK_AT,
    38: _MOVE_AT,
    45: _CHANGE,
    53: _CHANGE_AT,
    54: _CHANGE_AT,
    276: _MOVE_AT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    """How a kind of processor numbers its system calls."""

    audit: int
    seccomp: int
    calls: dict[int, Call]


_MACHINES = {
    "x86_64": _Machine(audit=0xC000003E, seccomp=317, calls=_X86_64),
    "aarch64": _Machine(audit=0xC00000B7, seccomp=277, calls=_AARCH64),
}

_IO_URING_SETUP = 425
"""Opens files behind the filter's back; who is refused it falls back on plain calls."""

_ALLOW, _NOTIFY, _FAIL = 0x7FFF0000, 0x7FC00000, 0x00050000
_LOAD, _IF_EQUAL, _IF_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER_AT, _AUDIT_AT, _ARGUMENTS_AT = 0, 4, 16

_SET_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 1 << 3, 1 << 5
_PR_SET_NO_NEW_PRIVS = 38
_RECEIVE, _SEND, _ADD_FD = 0xC0502100, 0xC0182101, 0x40182103
_CONTINUE, _ADD_AND_SEND = 1, 1 << 1

_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_RESPONSE = struct.Struct("=QqiI")
_ADDED = struct.Struct("=QIIII")
_INSTRUCTION = struct.Struct("=HBBI")

_LONGEST_PATH = 4096
_MOST_MEMORIES = 64


@dataclass(frozen=True, slots=True)
class Notification:
    """A call that waits for an answer: of which process, what it does, the absolute path.

    `path` is empty where it could not be read: then the call fails by itself.
    """

    key: int
    process: int
    does: str
    path: str
    flags: int


def available() -> bool:
    """Report whether this system can notify of calls; a try in a child may still fail."""
    return sys.platform == "linux" and platform.machine() in _MACHINES


def install() -> int:
    """Have this process, and all that it starts from now on, ask; return the listener.

    Raises:
        OSError: when the kernel has no notifications, or a sandbox forbids them.
    """
    machine = _MACHINES[platform.machine()]
    program = b"".join(_INSTRUCTION.pack(*each) for each in _program(machine))
    held = ctypes.create_string_buffer(program, len(program))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    described = _Program(len(program) // _INSTRUCTION.size, ctypes.addressof(held))
    for flags in (_NEW_LISTENER | _WAIT_KILLABLE, _NEW_LISTENER):
        listener: int = libc.syscall(machine.seccomp, _SET_FILTER, flags, ctypes.byref(described))
        if listener >= 0:
            return listener
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def _program(machine: _Machine) -> list[tuple[int, int, int, int]]:
    """Return the filter: each call of the table asks, all others go on."""
    lines = [
        (_LOAD, 0, 0, _AUDIT_AT),
        (_IF_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_EQUAL, 0, 1, _IO_URING_SETUP),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
    ]
    for number, call in machine.calls.items():
        asks = [(_RETURN, 0, 0, _NOTIFY)]
        if call.ignored:
            asks = [
                (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * call.ignored_in),
                (_IF_SET, 0, 1, call.ignored),
                (_RETURN, 0, 0, _ALLOW),
                (_RETURN, 0, 0, _NOTIFY),
            ]
        lines += [(_IF_EQUAL, 0, len(asks), number), *asks]
    return [*lines, (_RETURN, 0, 0, _ALLOW)]


class Listener:
    """The supervisor's side of a filter: takes what processes ask, and answers."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._calls = _MACHINES[platform.machine()].calls
        self._blank = bytes(_NOTIFICATION.size)
        self._memories: dict[int, int] = {}

    def receive(self) -> Notification | None:
        """Take the next call; None where its process is gone meanwhile."""
        raw = bytearray(self._blank)
        try:
            fcntl.ioctl(self.descriptor, _RECEIVE, raw, True)
        except OSError:
            return None
        key, process, _, number, _, _, *arguments = _NOTIFICATION.unpack(raw)
        call = self._calls[number]
        path = self._path(process, call, arguments)
        return Notification(key, process, call.does, path, self._flags(process, call, arguments))

    def let_go(self, asked: Notification) -> None:
        """Let the call go on as it is."""
        with suppress(OSError):  # its process is gone
            fcntl.ioctl(self.descriptor, _SEND, _RESPONSE.pack(asked.key, 0, 0, _CONTINUE))

    def give(self, asked: Notification, descriptor: int) -> None:
        """Answer the call by a copy of a descriptor of ours."""
        flags = asked.flags & os.O_CLOEXEC
        try:
            added = _ADDED.pack(asked.key, _ADD_AND_SEND, descriptor, 0, flags)
            fcntl.ioctl(self.descriptor, _ADD_FD, added)
        except OSError:  # a kernel before 5.14 cannot do both at once
            self.let_go(asked)

    def _path(self, process: int, call: Call, arguments: list[int]) -> str:
        try:
            given = self._text(process, arguments[call.path]) if call.path >= 0 else ""
            if given.startswith("/"):
                return given
            folder = _signed(arguments[call.folder]) if call.folder >= 0 else AT_CWD
            where = "cwd" if folder == AT_CWD else f"fd/{folder}"
            return os.path.join(os.readlink(f"/proc/{process}/{where}"), given)
        except OSError:
            return ""

    def _flags(self, process: int, call: Call, arguments: list[int]) -> int:
        if call.flags == -2:  # openat2(2) has them in a structure
            return int.from_bytes(self._bytes(process, arguments[2], 8), sys.byteorder)
        return arguments[call.flags] & 0xFFFFFFFF if call.flags >= 0 else call.fixed

    def _text(self, process: int, address: int) -> str:
        """Return a string; one that ends before a page that is not there is read up to that."""
        page = 4096 - address % 4096
        raw = self._bytes(process, address, min(page, _LONGEST_PATH))
        if b"\0" not in raw:
            raw += self._bytes(process, address + len(raw), _LONGEST_PATH - len(raw))
        return os.fsdecode(raw.partition(b"\0")[0])

    def _bytes(self, process: int, address: int, size: int) -> bytes:
        for again in (True, False):
            if process not in self._memories:
                self._forget_many()
                self._memories[process] = os.open(f"/proc/{process}/mem", os.O_RDONLY)
            try:
                raw = os.pread(self._memories[process], size, address)
            except OSError:
                raw = b""
            if raw or not again:
                return raw
            os.close(self._memories.pop(process))  # of a process, or a program, before this one
        return b""

    def _forget_many(self) -> None:
        """Keep a bounded number of memories open: a build may start thousands of processes."""
        if len(self._memories) > _MOST_MEMORIES:
            for descriptor in self._memories.values():
                os.close(descriptor)
            self._memories.clear()


def _signed(argument: int) -> int:
    low = argument & 0xFFFFFFFF
    return low - (1 << 32) if low & 0x80000000 else low
