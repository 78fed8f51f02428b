"""Answers as verbs take them: remembered, and given again where what they came from is the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from artifactbuild import contents
from artifactbuild.contents import Watched
from artifactbuild.index import entries
from artifactbuild.index.entries import FILE, MORE, VERBS, Entry, Look, Part, Place, looks, number

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

    def __init__(self, root: str, made_by: str, known: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._file = os.path.join(root, FILE)
        self._made_by = made_by
        self._entries = dict(entries.read(self._file, made_by) if known is None else known)
        self._began: int | None = None
        self._changed = False

    def begin(self) -> None:
        """Note, once, when looking into files began, by the clock of the root's filesystem."""
        if self._began is None and os.path.isdir(self._root):
            self._began = _clock(self._file)

    def answer(self, place: Place, manifest: str) -> Answer | None:
        """Return what was answered of a manifest, if all that it came from is as it was."""
        key = place.key(manifest)
        if key in self._entries:
            entry = entries.parsed(self._entries[key])
            try:
                if entry.asked == place.asked and self._stands(place, key, entry):
                    return read(entry)
            except OSError:
                pass  # whoever reads it in full will say what cannot be read
        self.begin()
        return None

    def remember(
        self,
        place: Place,
        manifest: str,
        answer: Answer,
        said: Mapping[str, str],
        watched: Iterable[Watched],
    ) -> None:
        """Keep an answer that was found since `answer` failed, if all of `watched` has settled."""
        try:
            parts = [self._part(place, each) for each in watched]
        except OSError:
            return
        settled = [part for part in parts if part is not None]
        if len(settled) == len(parts):
            entry = Entry(
                asked=place.asked,
                model=answer.model,
                said=[said.get(verb, MORE) for verb in VERBS],
                answer=json.dumps(asdict(answer), separators=(",", ":")),
                parts=settled,
            )
            self._keep(place.key(manifest), entry)

    def save(self) -> None:
        """Write the index, whole or not at all, if it changed; manifests that are gone leave it."""
        if not self._changed:
            return
        kept = {k: each for k, each in self._entries.items() if os.path.isfile(self._place(k))}
        entries.write(self._file, self._made_by, kept.values())
        self._changed = False

    def _place(self, key: str) -> str:
        return os.path.normpath(os.path.join(self._root, key))

    def _keep(self, key: str, entry: Entry) -> None:
        with suppress(ValueError):  # a manifest may say what no field can hold
            self._entries[key] = entries.text(key, entry)
            self._changed = True

    def _stands(self, place: Place, key: str, entry: Entry) -> bool:
        """Tell whether all parts look as they did, or, if not, hold what they did."""
        parts = []
        for part in entry.parts:
            again = self._again(place, part)
            if again is None:
                return False
            parts.append(again)
        if parts != entry.parts:
            entry.parts = parts
            self._keep(key, entry)
        return True

    def _again(self, place: Place, part: Part) -> Part | None:
        """Return the part as it looks now, once that has settled; None if it holds other things."""
        folder = place.path(part.folder)
        if number(looks(folder, part.names)) == part.look:
            return part
        self.begin()
        names = contents.below(folder) if part.whole else part.names
        if contents.held(folder, names, {}, whole=part.whole) != part.holds:
            return None
        found = looks(folder, names)
        if not self._settled(found):
            return part
        return Part(part.folder, part.names, part.whole, number(found), part.holds)

    def _part(self, place: Place, watched: Watched) -> Part | None:
        """Return what is kept of a part; None if it has not settled since it was looked into."""
        found = looks(watched.folder, watched.names)
        gone = {name for name, look in zip(watched.names, found, strict=True) if look is None}
        if gone != set(watched.absent) or not self._settled(found):
            return None
        folder, names = place.written(watched.folder), list(watched.names)
        return Part(folder, names, watched.whole, number(found), watched.holds)

    def _settled(self, found: Iterable[Look | None]) -> bool:
        """Tell whether nothing changed since looking began, as far as clocks in ticks can say."""
        if self._began is None:
            return False
        tick = TICK if self._began % 1_000_000_000 else COARSE
        times = (time for look in found if look is not None for time in look[1:3])
        return max(times, default=0) < self._began - 2 * tick


def read(entry: Entry) -> Answer:
    """Return the whole answer of an entry."""
    return Answer(**json.loads(entry.answer))


def _clock(file: str) -> int | None:
    """Return the time that the filesystem stamps a file with now; None if it takes none."""
    path = entries.temporary_beside(file)
    try:
        with open(path, "xb") as opened:
            return os.fstat(opened.fileno()).st_mtime_ns
    except OSError:
        return None
    finally:
        entries.remove(path)
