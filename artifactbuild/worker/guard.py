"""The Python side of a job's confinement: it refuses a write by name, with the line that asked.

An audit hook (PEP 578). It hears what Python does, not what C++ or a child process does.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from artifactbuild.worker.confine import is_within, outermost
from artifactbuild.worker.confinement import Confinement

READ_ONLY = "the project is read-only while a factory runs"

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_OURS = str(Path(__file__).resolve().parents[1])
_MOST = 100
"""How many refusals are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A write that was refused: the file as the project names it, and `FILE:LINE` that asked.

    `cure` is what helps if it was to be read alone.
    """

    file: str
    place: str
    cure: str = ""


class RefusedWrite(PermissionError):
    """A write that was refused."""


class Guard:
    """Refuses Python's writes to protected folders, and remembers them."""

    def __init__(self, confinement: Confinement, scratch: str, *, alone: bool = False) -> None:
        """Guard what a confinement protects; `alone` where the kernel refuses nothing."""
        self._alone = alone
        self.project = os.path.realpath(confinement.project)
        self._protected = outermost(confinement.protected)
        self._spared = [os.path.realpath(p) for p in (scratch, *confinement.writable)]
        self._staging = os.path.realpath(confinement.staging) if confinement.staging else ""
        self._process = os.getpid()
        self.refused: list[Refused] = []
        self.started: list[Refused] = []
        """The programs that Python code started, with the line that did."""
        self.database = ""
        self.copies = False
        """Whether a file that is there is opened for both as a copy; see `inputs.observer`."""

    def watch(self) -> None:
        """Begin to refuse, for good."""
        sys.addaudithook(self._hear)

    def open_staging(self) -> None:
        """Let the staging folder be written from now on: the factory has returned."""
        if self._staging:
            self._spared.append(self._staging)

    def is_held(self, path: str) -> bool:
        """Tell whether a real path may not be written."""
        if any(is_within(path, each) for each in self._spared):
            return False
        return any(is_within(path, each) for each in self._protected)

    def named(self, path: str) -> str:
        """Return a real path as the project names it."""
        inside = is_within(path, self.project)
        return Path(os.path.relpath(path, self.project) if inside else path).as_posix()

    def place_of(self, frame: FrameType | None) -> str:
        """Return `FILE:LINE` of the innermost frame that is the project's code, or nothing."""
        while frame is not None:
            if is_of_project(frame.f_code.co_filename, self.project):
                return f"{self.named(os.path.realpath(frame.f_code.co_filename))}:{frame.f_lineno}"
            frame = frame.f_back
        return ""

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and not self._alone and _has_unknown_folder(*arguments):
            return
        if event == "open" and self.copies and _is_for_both(arguments[2]):
            return
        written = _WRITES.get(event)
        if written is not None:
            for path in written(*arguments):
                if self.is_held(path):
                    self._refuse(path, _cure(event, arguments))
        elif event == "sqlite3.connect":
            self.database = _real(arguments[0])
        elif event in _STARTS and len(self.started) < _MOST:
            file = str(arguments[0] if event == "os.system" else arguments[1] or arguments[0])
            self.started.append(Refused(file=file, place=self.place_of(sys._getframe(1))))

    def _refuse(self, path: str, cure: str) -> None:
        place = self.place_of(sys._getframe(2))
        found = Refused(file=self.named(path), place=place, cure=cure)
        if os.getpid() != self._process:  # a fork, whose memory nobody else sees
            text = f"{found.place}: cannot write '{path}': {os.strerror(errno.EACCES)}\n"
            os.write(2, text.encode(errors="replace"))
        elif len(self.refused) < _MOST and found not in self.refused:
            self.refused.append(found)
        said = f"{READ_ONLY} ({found.place})" if found.place else READ_ONLY
        raise RefusedWrite(errno.EACCES, said, path)


def is_of_project(file: str, project: str) -> bool:
    """Tell whether a file of code is the project's own: no package of others, nothing of ours."""
    real = os.path.realpath(file)
    return (
        is_within(real, project)
        and "site-packages" not in Path(real).parts
        and not is_within(real, _OURS)
        and os.path.isfile(real)  # compiled modules name sources that are not here
    )


def _real(path: Any, folder: Any = -1, *, follow: bool = True) -> str:
    """Return the real place of what an event names; empty where it names none."""
    if isinstance(path, int):
        try:
            return os.readlink(f"/proc/self/fd/{path}")
        except OSError:
            return ""
    try:
        text = os.fsdecode(path)
    except TypeError:
        return ""
    if isinstance(folder, int) and folder >= 0 and not os.path.isabs(text):
        text = os.path.join(_real(folder), text)
    if follow:
        return os.path.realpath(text)
    parent, name = os.path.split(text.rstrip(os.sep) or text)
    return os.path.join(os.path.realpath(parent or os.curdir), name)


def _has_unknown_folder(path: Any, mode: Any = None, flags: Any = 0, *_: Any) -> bool:
    """Tell whether a file was named from a folder that the event leaves out (`os.open`)."""
    del flags
    return mode is None and isinstance(path, (str, bytes)) and not os.path.isabs(path)


def _is_for_both(flags: Any) -> bool:
    """Tell whether a file that must be there is opened for reading and writing."""
    if not isinstance(flags, int) or flags & (os.O_CREAT | os.O_TRUNC):
        return False
    return flags & os.O_ACCMODE == os.O_RDWR


def _cure(event: str, arguments: tuple[Any, ...]) -> str:
    """Return what helps whoever opened a file for both reading and writing, to read it."""
    both = event == "open" and _is_for_both(arguments[2])
    return "open it for reading alone (mode 'r')" if both else ""


def _opened(path: Any, mode: Any = None, flags: Any = 0, *_: Any) -> Iterator[str]:
    del mode
    if isinstance(flags, int) and flags & _WRITING and not isinstance(path, int):
        real = _real(path)
        if flags & os.O_CREAT or os.path.lexists(real):  # else there is nothing to write
            yield real


def _there(path: Any, *rest: Any) -> Iterator[str]:
    """Yield what is changed or removed, if it is there; a link itself, not what it names."""
    folder = rest[-1] if rest else -1
    real = _real(path, folder, follow=False)
    if os.path.lexists(real):
        yield real


def _followed(path: Any, *_: Any) -> Iterator[str]:
    real = _real(path)
    if os.path.lexists(real):
        yield real


def _changed(path: Any, *rest: Any) -> Iterator[str]:
    real = os.path.realpath(_real(path, rest[-1] if rest else -1, follow=False))
    if os.path.lexists(real):
        yield real


def _made(path: Any, mode: Any = 0, folder: Any = -1) -> Iterator[str]:
    del mode
    real = _real(path, folder, follow=False)
    if not os.path.lexists(real):
        yield real


def _moved(source: Any, target: Any, of_source: Any = -1, of_target: Any = -1) -> Iterator[str]:
    real = _real(source, of_source, follow=False)
    if os.path.lexists(real):
        yield from (real, _real(target, of_target, follow=False))


def _linked(source: Any, target: Any, *folders: Any) -> Iterator[str]:
    del source
    yield from _made(target, 0, folders[-1] if folders else -1)


_WRITES: dict[str, Callable[..., Iterator[str]]] = {
    "open": _opened,
    "os.chmod": _changed,
    "os.chown": _changed,
    "os.link": _linked,
    "os.mkdir": _made,
    "os.remove": _there,
    "os.removexattr": _followed,
    "os.rename": _moved,
    "os.rmdir": _there,
    "os.setxattr": _followed,
    "os.symlink": _linked,
    "os.truncate": _followed,
    "os.utime": _changed,
}
_STARTS = frozenset({"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen"})
