"""Located mistakes of the user, and the one exception that carries them."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from artifactbuild import visible

if TYPE_CHECKING:
    from pathlib import Path

WIDTH = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake: where it stands, what was expected, how to repair it."""

    file: str
    message: str
    hint: str = ""
    line: int | None = None
    column: int | None = None
    source: str = ""

    def render(self) -> str:
        """Say it as a compiler does: place and message, the line, a caret and the hint."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        lines = [f"{visible.visible(place)}: {visible.line(self.message)}"]
        if self.line is None or self.column is None:
            lines += [f"    {visible.line(self.hint)}"] if self.hint else []
        else:
            shown, offset = _excerpt(self.source, self.column - 1)
            caret = f"{' ' * offset}^ {visible.line(self.hint)}"
            lines += [f"    {shown}".rstrip(), f"    {caret}".rstrip()]
        return "\n".join(map(visible.disarmed, lines))

    def to_data(self) -> dict[str, str | int | None]:
        """Give the plain data that `--json` prints."""
        return asdict(self)


class Refusal(Exception):
    """An expected failure: the user's problems, all of them.

    `kept` is the folder where what was made so far can be looked at, if there is one.
    """

    def __init__(self, *problems: Problem, kept: str = "") -> None:
        super().__init__(*problems)
        self.problems: tuple[Problem, ...] = problems
        self.kept = kept

    def __str__(self) -> str:
        return "\n".join(problem.render() for problem in self.problems)


class WorkerLost(Exception):
    """A worker ended without a report: `cause` says how, `log` is the file of what it printed."""

    def __init__(self, cause: str, log: Path, *, bug: bool) -> None:
        super().__init__(cause)
        self.cause = cause
        self.log = log
        self.bug = bug


def summary(problems: Sequence[Problem]) -> str:
    """Count the problems in words."""
    return f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Name the known word that was probably meant, or nothing."""
    if len(word) > WIDTH:  # to compare long words takes the square of their length
        return ""
    spelt = {each.lower(): each for each in known}
    close = difflib.get_close_matches(word.lower(), spelt, n=1, cutoff=0.65)
    return f"did you mean {spelt[close[0]]!r}?" if close else ""


def meant(word: str, known: Iterable[str], given: Iterable[object]) -> str:
    """Name the known word that was probably meant; one that is given already has no room."""
    guess = did_you_mean(word, known)
    there = next((each for each in given if guess == f"did you mean {each!r}?"), None)
    return guess if there is None else f"remove it: {there!r} is given already;"


def _excerpt(source: str, index: int) -> tuple[str, int]:
    """Cut the line to a readable width around the index; give it with the caret's offset."""
    indent = len(source) - len(source.lstrip(" \t"))
    text, index = source[indent:].rstrip(), max(index - indent, 0)
    start = max(index - WIDTH // 2, 0) if len(text) > WIDTH else 0
    head, tail = "…" if start else "", "…" if start + WIDTH < len(text) else ""
    before = head + visible.visible(text[start:index])
    offset = _columns(before) + max(index - len(text), 0)
    return before + visible.visible(text[max(index, start) : start + WIDTH]) + tail, offset


def _columns(text: str) -> int:
    """Count the terminal columns that the text takes."""
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )
