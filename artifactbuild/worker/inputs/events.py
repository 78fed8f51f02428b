"""What Python's audit events tell of reads, where the kernel has no notifications.

Not seen here: what only C++ or a child process reads, and whether a name is there (no event says
that somebody asked). What libraries look for or list of their own accord is left out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from artifactbuild.worker.inputs.asked import Asked
from artifactbuild.worker.inputs.ledger import Ledger, Reads

_FROM = {"open": 0, "os.listdir": 0, "os.scandir": 0, "sqlite3.connect": 0, "ctypes.dlopen": 0}
_LISTING = ("os.listdir", "os.scandir")


class Events:
    """Notes the reads of this process, as `Observer` does those of a tree of processes."""

    def __init__(self, project: str, ignored: tuple[str, ...], asked: Asked) -> None:
        self._ledger = Ledger(project, ignored)
        self._asked = asked
        self._asking = False
        sys.addaudithook(self._hear)

    def reads(
        self, folder: str, named: Iterable[str], sought: Iterable[str], listed: Mapping[str, int]
    ) -> Reads:
        """Return what was read; see `Observer.reads`."""
        self._asking = True
        self._ledger.complete(named, sought, listed)
        return self._ledger.reads(folder)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _FROM or self._asking:
            return
        self._asking = True  # the ledger opens files itself
        try:
            self._note(event, arguments)
        finally:
            self._asking = False

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        named = arguments[0]
        if isinstance(named, int) and event in _LISTING:
            named = os.readlink(f"/proc/self/fd/{named}") if os.path.isdir("/proc") else None
        if named is None and event in _LISTING:
            named = os.curdir
        if not isinstance(named, (str, bytes, os.PathLike)):
            return
        path = os.path.abspath(os.fsdecode(named))
        if event != "open" and event not in _LISTING:
            self._ledger.opened(path)
        elif event == "open" and os.path.exists(path):
            if _reads(arguments):
                self._ledger.opened(path)
        elif self._asked.is_for_project_code(sys._getframe(2)):
            if event in _LISTING:
                self._ledger.listed(path)
            elif _reads(arguments):
                self._ledger.opened(path)


def _reads(arguments: tuple[Any, ...]) -> bool:
    """Tell whether a file is opened to be read, perhaps to be written as well."""
    flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
    return flags & os.O_ACCMODE != os.O_WRONLY and not flags & (os.O_TRUNC | os.O_EXCL)
