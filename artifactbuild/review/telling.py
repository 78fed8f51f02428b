"""A report to people: a summary and sections, as terminal text or as Markdown.

What is the user's own (names, values) is a `Name`, so that each way of telling can set it apart.
Other pieces are escaped as well: a value that nobody marked is still no markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from artifactbuild.release import markdown as gate
from artifactbuild.screen import table, text
from artifactbuild.visible import visible

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
    return "\n".join(text(_terminal(report)) for report in reports)


def markdown(reports: Iterable[Report]) -> str:
    """Tell reports as Markdown, for a comment on a pull request."""
    return "\n".join("".join(_markdown(report)) for report in reports)


def _terminal(report: Report) -> Iterator[str]:
    yield f"{_plain(report.title)}: {_plain(report.summary)}"
    if report.aside:
        yield f"  {_plain(report.aside)}"
    for section in report.sections:
        yield section.title
        if section.rows:
            yield from table([[_plain(cell) for cell in row] for row in section.rows])
        yield from (f"  {_plain(line)}" for line in section.lines)
    if report.closing:
        yield _plain(report.closing)


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
    shown = visible(" ".join(part.split()))
    return f"`{shown}`" if isinstance(part, Command) else shown


def _marked(line: Line) -> str:
    return "".join(gate.code(part) if isinstance(part, Name) else _words(part) for part in line)


def _words(part: str) -> str:
    """Return a piece of text as Markdown, with the spaces that part it from its neighbours."""
    start, end = len(part) - len(part.lstrip(" ")), len(part.rstrip(" "))
    return part[:start] + gate.text(part[start:end]) + part[max(start, end) :]
