"""Answers as verbs take them: remembered, and given again where what they came from is the same."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from artifactbuild import contents
from artifactbuild.contents import Watched
from artifactbuild.index import entries
from artifactbuild.index.entries import MORE, VERBS, Entry, Look, Part, Place, looks, number
from artifactbuild.problems import Problem
from artifactbuild.release.fingerprint import is_of_whole_seconds

TICK = 10_000_000
"""The coarsest clock that Linux stamps files by, in nanoseconds (100 Hz)."""

COARSE = 2_000_000_000
"""The same where filesystems keep no fractions of a second (FAT counts in twos)."""


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
    """The index of one artifacts root; a root that is not there, or cannot be written, has none.

    Nothing is kept where there is no `file` for it.
    """

    def __init__(
        self, root: str, file: str | None, made_by: str, known: Mapping[str, str] | None = None
    ) -> None:
        self._root = root
        self._file = file
        self._made_by = f"{root}\n{made_by}"
        self._entries = dict(entries.read(file, self._made_by) if known is None else known)
        self._began: int | None = None
        self._changed = False

    def begin(self) -> None:
        """Note, once, when looking into files began, by the clock of the root's filesystem."""
        if self._began is None and self._file is not None and os.path.isdir(self._root):
            self._began = _clock(self._root)

    def answer(self, place: Place, manifest: str) -> Answer | None:
        """Return what was answered of a manifest, if all that it came from is as it was."""
        key = place.key(manifest)
        entry = entries.parsed(self._entries[key]) if key in self._entries else None
        if entry is not None and entry.asked == place.asked:
            try:
                if self._stands(place, key, entry):
                    return read(entry)
            except (OSError, ValueError):
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
        if not self._changed or self._file is None:
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
        began = self._began
        return began is not None and all(
            max(look[1:3]) < began - 2 * (COARSE if is_of_whole_seconds(*look[1:3]) else TICK)
            for look in found
            if look is not None
        )


def read(entry: Entry) -> Answer:
    """Return the whole answer of an entry.

    Raises:
        ValueError: when it is none that verbs can take.
    """
    try:
        answer = Answer(**json.loads(entry.answer))
        if _is_sound(answer) and answer.model == entry.model:
            return answer
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError("is no answer") from error
    raise ValueError("is no answer")


def _is_sound(answer: Answer) -> bool:
    steps, drifts = answer.plan["steps"], [*answer.drift, *answer.committed]
    texts = [answer.model, answer.version, answer.summary, *answer.annotations]
    texts += [step[key] for step in steps for key in ("format", "action", "reason")]
    texts += [each[key] for each in drifts for key in ("name", "sentence", "repair")]
    problems = [Problem(**each["problem"]) for each in drifts]
    for each in (own for drift in drifts if (own := drift.get("shared"))):
        texts += [each[key] for key in _SHARED] + [*each["causes"]]
    texts += [text for each in problems for text in (each.file, each.message, each.hint)]
    checks = answer.checks
    return all(isinstance(text, str) for text in texts) and (
        checks is None or all(isinstance(checks[step["format"]], int) for step in steps)
    )


_SHARED = ("version", "manifest", "file", "one", "many", "command")


def _clock(root: str) -> int | None:
    """Return the time that the root's filesystem stamps a file with now; None if it takes none.

    A server's clock may be ahead of ours, by which other files are stamped: the earlier one holds.
    """
    path = entries.temporary_beside(os.path.join(root, ".clock"))
    try:
        with open(path, "xb") as opened:
            return min(os.fstat(opened.fileno()).st_mtime_ns, time.time_ns())
    except OSError:
        return None
    finally:
        entries.remove(path)
