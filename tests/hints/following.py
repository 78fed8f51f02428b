"""How a test follows a hint: it finds it in what was said, and takes the command out of it."""

from __future__ import annotations

import shlex

from artifactbuild.cli import run
from tests.hints.catalogue import pattern


def follow(said: str, hint: str) -> tuple[str, ...]:
    """Return the parts that vary of a hint of the catalogue, as it stands in what was said.

    A test that calls this applies the hint: `tests/hints/test_catalogue.py` takes its word for it.
    """
    for line in said.splitlines():
        found = pattern(hint).fullmatch(line.strip().removeprefix("^").strip())
        if found:
            return found.groups()
    raise AssertionError(f"nothing says {hint!r}:\n{said}")


def obey(command: str) -> int:
    """Run a command of ours as a hint spells it; return its exit code."""
    program, *arguments = shlex.split(command.strip("`"))
    assert program == "artifactbuild"
    return run(arguments)
