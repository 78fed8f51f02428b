"""What was answered last time, and how everything that the answer came from looked then.

One file in the artifacts root, a cache like git's index (https://git-scm.com/docs/racy-git): it may
be deleted at any time, and nothing is made from it. An answer is given again while every file and
folder that it came from looks as it did: size, times of content and inode, inode, mode. What looks
otherwise is read; if it holds the same, the answer stands and the new looks are remembered.

Looks deceive only where a file changes in the very tick of the clock in which it was looked at. So
what changed since the looking began, or shortly before, is not remembered until it has settled.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from artifactbuild.release import fingerprint
from artifactbuild.release.fingerprint import ABSENT, look

if TYPE_CHECKING:
    from artifactbuild.contents import Watched

FILE = ".index.json"
VERSION = 1

TICK = 10_000_000
"""The coarsest clock that Linux stamps files by, in nanoseconds (100 Hz)."""

COARSE = 2_000_000_000
"""The same on filesystems that keep no fractions of a second (FAT counts in twos)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What verbs say of one manifest, as plain data.

    `plan` is what `plan --json` prints, `summary` its one line, `annotations` what it tells GitHub.
    `drift` is what `check` finds, `committed` what it finds without a look at artifacts. `checks`
    are the numbers of checks of each format where a build would keep all and write nothing, else
    None.
    """

    model: str
    version: str
    plan: Mapping[str, Any]
    summary: str
    annotations: Sequence[str]
    drift: Sequence[Mapping[str, Any]]
    committed: Sequence[Mapping[str, Any]]
    checks: Mapping[str, int] | None


class Index:
    """The index of one artifacts root; a root that is not there, or cannot be written, has none."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._made_by = fingerprint.glance()
        self._entries = _read(os.path.join(root, FILE), self._made_by)
        self._began: int | None = None
        self._changed = False

    def begin(self) -> None:
        """Note, once, when looking into files began, by the clock of the root's filesystem."""
        if self._began is None and os.path.isdir(self._root):
            self._began = _clock(self._root)

    def answer(self, manifest: str, project: str) -> Answer | None:
        """Return what was answered of a manifest, if all that it came from is as it was."""
        entry = self._entries.get(self._key(manifest))
        if entry is not None and entry["asked"] == self._asked(project):
            try:
                if all(self._stands(part) for part in entry["parts"]):
                    return Answer(**entry["answer"])
            except OSError:
                pass  # whoever reads it in full will say what cannot be read
        self.begin()
        return None

    def remember(
        self, manifest: str, project: str, answer: Answer, watched: Iterable[Watched]
    ) -> None:
        """Keep an answer that was found since `answer` failed, if all of `watched` has settled."""
        try:
            parts = [self._part(each) for each in watched]
        except OSError:
            return
        if all(part is not None for part in parts):
            entry = {"asked": self._asked(project), "answer": asdict(answer), "parts": parts}
            self._entries[self._key(manifest)] = entry
            self._changed = True

    def save(self) -> None:
        """Write the index, whole or not at all, if it changed; manifests that are gone leave it."""
        if not self._changed:
            return
        kept = {key: e for key, e in self._entries.items() if os.path.isfile(self._place(key))}
        text = json.dumps({"made_by": self._made_by, "manifests": kept}, separators=(",", ":"))
        _write(os.path.join(self._root, FILE), text.encode("ascii"))
        self._changed = False

    def _stands(self, part: dict[str, Any]) -> bool:
        """Tell whether a part looks as it did, or, if not, holds what it did."""
        folder = self._place(part["folder"])
        if _looks(folder, part["names"]) == part["looks"]:
            return True
        self.begin()
        # Hashing is seldom needed, and its library takes a while to load.
        from artifactbuild import contents

        whole = part["whole"]
        names = contents.below(folder) if whole else part["names"]
        if contents.held(folder, names, {}, whole=whole) != part["holds"]:
            return False
        looks = _looks(folder, names)
        if self._settled(looks):
            part["looks"] = looks
            self._changed = True
        return True

    def _part(self, watched: Watched) -> dict[str, Any] | None:
        """Return what is kept of a part; None if it has not settled since it was looked into."""
        looks = _looks(watched.folder, watched.names)
        gone = {name for name, found in zip(watched.names, looks, strict=True) if found == ABSENT}
        if gone != set(watched.absent) or not self._settled(looks):
            return None
        return {
            "folder": self._key(watched.folder),
            "names": watched.names,
            "whole": watched.whole,
            "looks": looks,
            "holds": watched.holds,
        }

    def _settled(self, looks: Iterable[str]) -> bool:
        """Tell whether nothing changed since looking began, as far as clocks in ticks can say."""
        if self._began is None:
            return False
        tick = TICK if self._began % 1_000_000_000 else COARSE
        times = (int(time) for found in looks for time in found.split(" ")[1:3])
        return max(times, default=0) < self._began - 2 * tick

    def _asked(self, project: str) -> list[str]:
        """Return where an answer holds: in its project, for who stands where it was asked."""
        return [self._key(project), self._key(os.getcwd())]

    def _key(self, path: str) -> str:
        """Write a path as the index has it, from the root: so that it holds where both moved to."""
        return os.path.relpath(path, self._root)

    def _place(self, key: str) -> str:
        inside = key[:2] != ".."
        return f"{self._root}/{key}" if inside else os.path.normpath(f"{self._root}/{key}")


def _looks(folder: str, names: Iterable[str]) -> list[str]:
    return [look(f"{folder}/{name}") for name in names]


def _clock(root: str) -> int | None:
    """Return the time that the filesystem stamps a file with now; None if it takes none."""
    path = _temporary(root)
    try:
        with open(path, "xb") as file:
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return None
    finally:
        _remove(path)


def _temporary(root: str) -> str:
    return os.path.join(root, f"{FILE}.{os.urandom(6).hex()}")


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.remove(path)


def _read(path: str, made_by: str) -> dict[str, Any]:
    """Return the entries of an index; none if it is damaged, of another version or environment."""
    if not os.path.isfile(path):
        return {}
    try:
        with open(path, "rb") as file:
            head, body = file.readline(), file.read()
        found = json.loads(body) if head == _header(body) else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found["manifests"] if found.get("made_by") == made_by else {}


def _write(path: str, body: bytes) -> None:
    temporary = _temporary(os.path.dirname(path))
    try:
        with open(temporary, "xb") as file:
            file.write(_header(body) + body)
        os.replace(temporary, path)
    except OSError:
        _remove(temporary)


def _header(body: bytes) -> bytes:
    """Return the first line: what this is, which version, and a sum of what follows."""
    return b"artifactbuild index %d %08x\n" % (VERSION, zlib.crc32(body))
