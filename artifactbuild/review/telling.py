"""A report to people: a summary and sections, as terminal text or as Markdown.

What is the user's own (names, values) is a `Name`, so that each way of telling can set it apart and
nothing in it is taken for markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from artifactbuild.release.card import FILTERS
from artifactbuild.screen import table

FOLDED = 20
"""How many lines of a section a pull-request comment shows before it folds them."""


class Name(str):
    """A name or a value of the user's."""

    __slots__ = ()


class Command(Name):
    """A command to run: set apart in the terminal too."""

    __slots__ = ()


Line = tuple[str, ...]
"""Pieces of text, some of them names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One matter: sentences, and rows under a header that is told in Markdown alone."""

    title: str
    lines: tuple[Line, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[Line, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is told of one thing: its name, a summary in a line, where it is from, and the rest."""

    title: Line
    summary: Line
    aside: Line = ()
    sections: tuple[Section, ...] = ()
    closing: Line = ()


def terminal(reports: Iterable[Report]) -> str:
    """Tell reports as plain text."""
    return "\n".join("".join(_terminal(report)) for report in reports)


def markdown(reports: Iterable[Report]) -> str:
    """Tell reports as Markdown, for a comment on a pull request."""
    return "\n".join("".join(_markdown(report)) for report in reports)


def _terminal(report: Report) -> Iterator[str]:
    yield f"{_plain(report.title)}: {_plain(report.summary)}\n"
    if report.aside:
        yield f"  {_plain(report.aside)}\n"
    for section in report.sections:
        yield f"{section.title}\n"
        if section.rows:
            yield table([[_plain(cell) for cell in row] for row in section.rows])
        yield from (f"  {_plain(line)}\n" for line in section.lines)
    if report.closing:
        yield f"{_plain(report.closing)}\n"


def _markdown(report: Report) -> Iterator[str]:
    yield f"**{_marked(report.title)}**: {_marked(report.summary)}\n"
    if report.aside:
        yield f"\n<sub>{_marked(report.aside)}</sub>\n"
    for section in report.sections:
        title, body = section.title[:1].upper() + section.title[1:], "".join(_body(section))
        count = len(section.rows) + len(section.lines)
        if count > FOLDED:
            yield f"\n<details><summary>{title} ({count})</summary>\n{body}\n</details>\n"
        else:
            yield f"\n#### {title}\n{body}"
    if report.closing:
        yield f"\n{_marked(report.closing)}\n"


def _body(section: Section) -> Iterator[str]:
    if section.rows:
        yield f"\n{_row(section.header)}{_row(['---'] * len(section.header))}"
        yield from (_row([_marked(cell) for cell in row]) for row in section.rows)
    if section.lines:
        yield "\n"
        yield from (f"- {_marked(line)}\n" for line in section.lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _plain(line: Line) -> str:
    return "".join(_shown(part) for part in line)


def _shown(part: str) -> str:
    if not isinstance(part, Name):
        return part
    text = "".join(char if char.isprintable() else " " for char in part)
    return f"`{text}`" if isinstance(part, Command) else text


def _marked(line: Line) -> str:
    return "".join(FILTERS["code"](part) if isinstance(part, Name) else part for part in line)
