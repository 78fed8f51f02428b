"""What people see: aligned rows on standard output, progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from artifactbuild.problems import Problem

TEXT, GITHUB = "text", "github"
"""How problems are told."""

ERROR, NOTICE = "error", "notice"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows in aligned columns, indented by two."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = (
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(line.rstrip() + "\n" for line in lines)


def annotation(problem: Problem, level: str = ERROR) -> str:
    """Return a problem as an annotation of a workflow on GitHub, at its line in the file.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    place = {"file": problem.file, "line": problem.line, "col": problem.column}
    said = ",".join(f"{key}={_property(str(value))}" for key, value in place.items() if value)
    message = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
    return f"::{level} {said}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _written(text: str) -> None:
    """Write a line at once, that of another thread between it and the next one at most."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def warning(text: str) -> None:
    """Say on standard error what is no failure, but should be known."""
    visible = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    _written(f"warning: {visible}")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Give a function that says what is being done: one living line on a terminal, else lines."""
    if not sys.stderr.isatty():
        yield _written
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield lambda text: status.update(text)
