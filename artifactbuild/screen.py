"""What people see: aligned rows on standard output, progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from artifactbuild.release.card import size

__all__ = ["progress", "size", "table"]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows in aligned columns, indented by two."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = (
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(line.rstrip() + "\n" for line in lines)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Give a function that says what is being done: one living line on a terminal, else lines."""
    if not sys.stderr.isatty():
        yield lambda text: print(text, file=sys.stderr, flush=True)
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield lambda text: status.update(text)
