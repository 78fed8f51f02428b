"""The ledger of what was read under a project: each file fixed at its first open, and each name."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES
from pathlib import Path

from artifactbuild.release import digest, fingerprint, python_source
from artifactbuild.release.sources import ABSENT, PRESENT, listing, of_file

SMALL = 1 << 20
"""Up to how many bytes a file is hashed when it is opened; of larger ones the look must do."""

_HISTORY = frozenset({".git", ".hg", ".svn", "__pycache__"})
"""Folders of version control and of bytecode: they change with each commit and each run."""

_RUNFILES = ".runfiles"
"""TensorFlow looks for its own files under the name of the program, as Bazel would lay them."""

_NEVER_WRITTEN = tuple(f"__init__{end}" for end in (*EXTENSION_SUFFIXES, *BYTECODE_SUFFIXES))
"""Names that Python's import looks for in each package before `__init__.py`."""


@dataclass(frozen=True, slots=True)
class Opened:
    """How a file looked when it was first opened, and what the lock would have of a small one.

    `sha256` is that of its bytes, in every case; of a Python source, the lock has another digest.
    """

    look: str
    sha256: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """What was read, by POSIX path from the manifest's folder, sorted.

    `sources` are as the lock has them (`release.sources`), `looks` how each file looked when it was
    hashed at the end, `changed` what was changed after it had been read, `written` what the build
    itself opened for reading and writing, and wrote into, `refused` what it would have written.
    """

    sources: Mapping[str, str]
    looks: Mapping[str, str]
    changed: tuple[str, ...]
    written: tuple[str, ...]
    refused: tuple[str, ...]


class Ledger:
    """Notes what is opened, looked for and listed under a project; paths are absolute."""

    def __init__(self, project: str, ignored: Iterable[str]) -> None:
        self._project = os.path.realpath(project)
        roots = {os.path.abspath(project), self._project}
        self._inside = tuple(root.rstrip(os.sep) + os.sep for root in roots)
        self._within = self._project.rstrip(os.sep) + os.sep
        self._ignored = tuple(os.path.realpath(path) + os.sep for path in ignored)
        self._folders: dict[str, str] = {}
        self._opened: dict[str, Opened] = {}
        self._present: set[str] = set()
        self._absent: set[str] = set()
        self._listed: dict[str, int] = {}
        self._changed: set[str] = set()
        self._refused: set[str] = set()

    def opened(self, path: str) -> None:
        """Note that a file is about to be opened for reading, or is being mapped or run."""
        for place in self._places(path):
            found = _stat(place)
            if found is None:
                self._note_absent(place)
            elif stat.S_ISREG(found.st_mode) and os.access(place, os.R_OK):
                self._fix(place, found.st_size)
            else:
                self._present.add(place)

    def looked(self, path: str) -> None:
        """Note that somebody asks whether something is there."""
        for place in self._places(path):
            if _stat(place) is None:
                self._note_absent(place)
            else:
                self._present.add(place)

    def listed(self, path: str, times: int = 1) -> None:
        """Note that a folder is listed; negative `times` take back what the import listed."""
        for place in self._places(path):
            if os.path.isdir(place):
                self._listed[place] = self._listed.get(place, 0) + times

    def listed_at_least_once(self, path: str) -> None:
        """Note that a folder is listed that may have been opened for it before."""
        if not any(place in self._listed for place in self._places(path)):
            self.listed(path)

    def refused(self, path: str) -> None:
        """Note that something is to be written, which is not allowed."""
        self._refused.update(self._places(path)[:1])

    def complete(
        self, named: Iterable[str], sought: Iterable[str], listed: Mapping[str, int]
    ) -> None:
        """Add files that are known to be read and names that were sought; see `Observer.reads`."""
        for path in named:
            self.opened(path)
        for path in sought:
            self.looked(path)
        for path, times in listed.items():
            self.listed(path, -times)

    def of_project(self, path: str) -> bool:
        """Tell whether a path is one that is noted."""
        return bool(self._places(path))

    def reads(self, folder: str, written: Iterable[str] = ()) -> Reads:
        """Hash what was opened, and return all that was read; `folder` is the manifest's."""
        start = os.path.realpath(folder)
        sources, looks = {}, {}
        for place, first in self._opened.items():
            name = _name(place, start)
            now = self._now(place, first)
            if now is None:
                self._changed.add(place)
            else:
                looks[name], sources[name] = now.look, now.state
        for place in self._absent - self._opened.keys():
            sources[_name(place, start)] = ABSENT
            if os.path.exists(place):
                self._changed.add(place)
        for place in (place for place, times in self._listed.items() if times > 0):
            sources[f"{_name(place, start)}/"] = listing(Path(place), self._left_out(place))
        sources = {**self._only_present(start), **sources}
        return Reads(
            sources=dict(sorted(sources.items())),
            looks=dict(sorted(looks.items())),
            changed=tuple(sorted(_name(place, start) for place in self._changed)),
            written=tuple(sorted(_name(os.path.realpath(path), start) for path in written)),
            refused=tuple(sorted(_name(place, start) for place in self._refused)),
        )

    def _only_present(self, start: str) -> dict[str, str]:
        """Return what was only asked about: a folder goes without saying if something in it is."""
        noted = {*self._opened, *self._listed, *self._absent}
        parents = {parent for place in (*noted, start) for parent in _parents(place)} | {start}
        found = {}
        for place in self._present - noted - parents:
            end = "/" if os.path.isdir(place) else ""
            found[_name(place, start) + end] = PRESENT
        return found

    def _left_out(self, place: str) -> frozenset[str]:
        """Return the names in a folder that are no inputs, such as the artifacts' root."""
        own = (path.rstrip(os.sep) for path in self._ignored)
        return frozenset(os.path.basename(path) for path in own if os.path.dirname(path) == place)

    def _note_absent(self, place: str) -> None:
        if os.path.basename(place) not in _NEVER_WRITTEN and place not in self._opened:
            self._absent.add(place)

    def _fix(self, place: str, size: int) -> None:
        """Keep how a file is; one that is opened again must still be what it was."""
        look = fingerprint.look(place)
        first = self._opened.get(place)
        if first is None:
            self._opened[place] = _seen(place, look) if size <= SMALL else Opened(look)
        elif first.look != look and (not first.sha256 or _again(place, look, first) is None):
            self._changed.add(place)

    def _now(self, place: str, first: Opened) -> Opened | None:
        """Return how a file is at the end; None if it is not what was opened first."""
        look = fingerprint.look(place)
        if first.sha256:
            now = _again(place, look, first)
        else:
            now = _seen(place, look) if look == first.look else None
        return now if now and now.state and look == fingerprint.look(place) else None

    def _places(self, path: str) -> list[str]:
        """Return the paths that a file is noted under; none where it is no input.

        They are where it is, and, if links in the project lead there, where it was asked for: the
        links may come to lead elsewhere.
        """
        if "\0" in path:
            return []
        asked = os.path.normpath(path)
        for root in self._inside:
            if asked.startswith(root):
                asked = os.path.join(self._project, asked[len(root) :])
        return [
            each for each in dict.fromkeys((self._resolved(path), asked)) if self._is_input(each)
        ]

    def _is_input(self, place: str) -> bool:
        if not place.startswith(self._within) or f"{place}{os.sep}".startswith(self._ignored):
            return False
        parts = place[len(self._within) :].split(os.sep)
        return _HISTORY.isdisjoint(parts) and not any(part.endswith(_RUNFILES) for part in parts)

    def _resolved(self, path: str) -> str:
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        if name in ("", ".", ".."):
            return os.path.realpath(path)
        place = os.path.join(self._folders[folder], name)
        return os.path.realpath(place) if os.path.islink(place) else place


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _again(place: str, look: str, first: Opened) -> Opened | None:
    """Return how a small file is that was opened before; None if the lock would have it changed."""
    sha256 = _digest(place, digest.of_file)
    if sha256 == first.sha256:
        return Opened(look, sha256, first.state)
    state = _digest(place, of_file)
    return Opened(look, sha256, state) if state == first.state else None


def _seen(place: str, look: str) -> Opened:
    sha256 = _digest(place, digest.of_file)
    state = _digest(place, of_file) if place.endswith(python_source.SUFFIX) else sha256
    return Opened(look, sha256, state)


def _digest(place: str, by: Callable[[Path], str]) -> str:
    """Return a digest of a file, empty where it cannot be read."""
    try:
        return by(Path(place))
    except OSError:
        return ""


def _name(place: str, start: str) -> str:
    return Path(os.path.relpath(place, start)).as_posix()


def _parents(place: str) -> Iterable[str]:
    return map(str, Path(place).parents)
