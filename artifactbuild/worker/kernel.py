"""The kernel's calls that Python has no functions for: namespaces, mounts, Landlock, capabilities.

Each raises OSError. https://docs.kernel.org/userspace-api/landlock.html,
https://man7.org/linux/man-pages/man7/namespaces.7.html
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import sys
from typing import Any

NEW_MOUNTS, NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x20000, 0x10000000, 0x20000000, 0x40000000

NO_SUID, NO_DEVICES, NO_PROGRAMS = 0x2, 0x4, 0x8
BIND, RECURSIVE, SLAVE = 0x1000, 0x4000, 0x80000

WITHOUT = "ARTIFACTBUILD_WITHOUT"
"""Environment variable that names what to do without, such as `namespaces,landlock`: for tests."""

NAMESPACES, LANDLOCK = "namespaces", "landlock"

_MOUNT_SETATTR = 442
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CAPSET, _CAPABILITY_VERSION = {"x86_64": 126}.get(os.uname().machine, 91), 0x20080522
_DEATH_SIGNAL, _SUBREAPER, _NO_NEW_PRIVILEGES = 1, 36, 38
_HERE, _ALL_BELOW, _READ_ONLY = -100, 0x8000, 0x1
_BENEATH = 1
_VERSION = 1


@functools.cache
def _c() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _called(number: int, *arguments: Any) -> int:
    return _checked(_c().syscall(ctypes.c_long(number), *arguments))


def is_left_out(what: str) -> bool:
    """Tell whether we are asked to do without something."""
    return what in os.environ.get(WITHOUT, "").split(",")


def die_with_parent() -> None:
    """Get SIGKILL when the thread that forked us ends."""
    _prctl(_DEATH_SIGNAL, 9)


def adopt_orphans() -> None:
    """Become the parent of each descendant that loses its own."""
    _prctl(_SUBREAPER, 1)


def gain_nothing() -> None:
    """Let no program that we start have more rights than we have; Landlock asks for it."""
    _prctl(_NO_NEW_PRIVILEGES, 1)


def _prctl(option: int, value: int) -> None:
    _checked(_c().prctl(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3))


def unshare(flags: int) -> None:
    """Leave namespaces for new ones; in one for users, the user's own number stays what it is."""
    user, group = os.geteuid(), os.getegid()
    _checked(_c().unshare(flags))
    if flags & NEW_USER:
        for name, line in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(line)


def mount(source: str, target: str, kind: str = "", flags: int = 0) -> None:
    """Mount a filesystem, or a folder at another place, or change a mount."""
    names = [os.fsencode(text) or None for text in (source, target, kind)]
    _checked(_c().mount(*names, ctypes.c_ulong(flags), None))


def unmount(path: str) -> None:
    """Take the last mount away from a place."""
    _checked(_c().umount(os.fsencode(path)))


def make_read_only(path: str, *, undo: bool = False) -> None:
    """Make a mount and all that is mounted below it read-only, or writable."""
    setting = (0, _READ_ONLY) if undo else (_READ_ONLY, 0)
    attributes = struct.pack("=4Q", *setting, 0, 0)
    size = ctypes.c_size_t(len(attributes))
    _called(_MOUNT_SETATTR, _HERE, os.fsencode(path), _ALL_BELOW, attributes, size)


def drop_capabilities() -> None:
    """Give up the rights that a namespace of one's own brings."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    _called(_CAPSET, header, struct.pack("=6I", *[0] * 6))


def landlock_version() -> int:
    """Return the version of Landlock's interface; 0 where there is none."""
    if sys.platform != "linux" or is_left_out(LANDLOCK):
        return 0
    try:
        return _called(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    except OSError:
        return 0


def landlock(handled: int, allowed: dict[str, int]) -> None:
    """Take rights on files from this thread and what it starts, except those allowed below paths.

    What has gone meanwhile is left out.
    """
    attributes = struct.pack("=Q", handled)
    size = ctypes.c_size_t(len(attributes))
    rules = _called(_CREATE_RULESET, attributes, size, 0)
    try:
        for path, rights in allowed.items():
            _allow(rules, path, rights)
        gain_nothing()
        _called(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        _called(_ADD_RULE, rules, _BENEATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)
