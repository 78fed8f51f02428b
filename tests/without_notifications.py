"""Runs a command where the kernel has no seccomp notifications, as in some containers.

    python -m tests.without_notifications COMMAND [ARGUMENT ...]

A filter of its own answers seccomp(2) with EPERM, in the command and in all that it starts.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_NO_NEW_PRIVS, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _IF_EQUAL, _RETURN, _ALLOW, _FAIL = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def forbid() -> None:
    """Let no filter be installed any more, by this process and by what it starts."""
    lines = [
        (_LOAD, 0, 0, 0),
        (_IF_EQUAL, 0, 1, _SECCOMP[platform.machine()]),
        (_RETURN, 0, 0, _FAIL | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    raw = b"".join(struct.pack("=HBBI", *line) for line in lines)
    held = ctypes.create_string_buffer(raw, len(raw))
    program = _Program(len(lines), ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "the filter was not installed")


if __name__ == "__main__":
    forbid()
    os.execvp(sys.argv[1], sys.argv[1:])
