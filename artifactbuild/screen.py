"""The gate to people and to CI: whatever is written to standard output or error goes through here.

Every line is made visible and safe (`visible.line`), so that no caller can forget it. Structure is
given as structure: lines as separate strings, rows as cells, problems as problems, data as data.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from artifactbuild import visible
from artifactbuild.data import dumps
from artifactbuild.problems import Problem

TEXT, GITHUB = "text", "github"
"""How problems are told."""

ERROR, NOTICE = "error", "notice"

CELL = 400
"""How many characters of one cell of a table are shown."""


def say(lines: Iterable[str]) -> None:
    """Write lines to standard output."""
    _write(sys.stdout, text(lines))


def note(*lines: str) -> None:
    """Write lines to standard error."""
    _write(sys.stderr, text(lines))


def document(content: str) -> None:
    """Write a text to standard output whose line ends are meant, such as a card."""
    _write(sys.stdout, visible.document(content))


def answer(value: Any) -> None:
    """Write data to standard output as JSON; what cannot be seen in it is an escape."""
    _write(sys.stdout, visible.without_marks(dumps(value), "#\\u0023"))


def annotate(problems: Iterable[Problem], level: str = ERROR) -> None:
    """Write problems to standard output as annotations of a workflow on GitHub."""
    _write(sys.stdout, "".join(f"{annotation(each, level)}\n" for each in problems))


def report(problems: Iterable[Problem]) -> None:
    """Write problems to standard error as a compiler does."""
    _write(sys.stderr, "".join(f"{each.render()}\n" for each in problems))


def text(lines: Iterable[str]) -> str:
    """Return lines as they are written."""
    return "".join(f"{visible.line(each)}\n" for each in lines)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines in aligned columns, indented by two."""
    cells = [[visible.visible(visible.cut(cell, CELL)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
    return [line.rstrip() for line in lines]


def annotation(problem: Problem, level: str = ERROR) -> str:
    """Return a problem as an annotation of a workflow on GitHub, at its line in the file.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    place = {"file": problem.file, "line": problem.line, "col": problem.column}
    said = ",".join(f"{key}={_property(str(value))}" for key, value in place.items() if value)
    told = [visible.line(each) for each in (problem.message, problem.hint) if each]
    return f"::{level} {said}::{_data(chr(10).join(told))}"


def annotated(lines: Iterable[str]) -> None:
    """Write annotations that were remembered; what is none of ours is text."""
    ours = tuple(f"::{level} " for level in (ERROR, NOTICE))
    safe = (each.rstrip("\n") for each in lines)
    shown = (each if each.startswith(ours) else visible.line(each) for each in safe)
    _write(sys.stdout, "".join(f"{visible.visible(each)}\n" for each in shown))


def _data(told: str) -> str:
    escaped = told.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return visible.without_marks(escaped, "#\\x23")


def _property(value: str) -> str:
    return _data(visible.line(value)).replace(":", "%3A").replace(",", "%2C")


def _write(stream: TextIO | None, content: str) -> None:
    """Write at once; what the encoding of the stream lacks becomes an escape."""
    if stream is None or not content:  # a command may run with its output closed
        return
    if not content.isascii():
        encoding = stream.encoding or "utf-8"
        content = content.encode(encoding, "backslashreplace").decode(encoding)
    stream.write(content)
    stream.flush()


def warning(text: str) -> None:
    """Say on standard error what is no failure, but should be known."""
    note(f"warning: {text}")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Give a function that says what is being done: one living line on a terminal, else lines."""
    if not sys.stderr.isatty():
        yield note
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("starting") as status:
        yield lambda said: status.update(Text(visible.line(said, CELL)))
