"""Filters that files of a commit go through when they are written (`filter=` in .gitattributes)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from artifactbuild.git import running
from artifactbuild.git.place import Repository
from artifactbuild.problems import Problem, Refusal

_DRIVER = re.compile(r"filter\.(?P<name>.*)\.(smudge|process)", re.S)
_NONE = ("unspecified", "unset", "set", "")


def hold(repository: Repository, paths: Sequence[str], places: Mapping[str, str]) -> None:
    """Compare the filters that an index asks for with those of the user.

    A filter is a program. One that only the repository's own configuration names is not run, and
    files that need it would come out different without a word.

    Raises:
        Refusal: when a file needs such a filter.
    """
    own = {found["name"] for name, _ in repository.settings if (found := _DRIVER.fullmatch(name))}
    missing = own - _of_user(repository) if own else set()
    for path, name in _asked(repository, paths, places) if missing else ():
        if name in missing:
            raise Refusal(_unknown(repository, path, name))


def _of_user(repository: Repository) -> set[str]:
    answer = repository.run("config", "--null", "--name-only", "--list")
    names = os.fsdecode(answer.out).split("\0")
    return {found["name"] for name in names if (found := _DRIVER.fullmatch(name))}


def _asked(
    repository: Repository, paths: Sequence[str], places: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the paths that have a filter, each with its name."""
    arguments = ("check-attr", "--cached", "--stdin", "-z", "filter")
    given = os.fsencode("".join(f"{path}\0" for path in paths))
    answer = repository.run(*arguments, variables=places, given=given)
    if answer.code:
        raise running.refusal(repository.top, arguments, answer)
    cells = os.fsdecode(answer.out).split("\0")
    rows = zip(cells[0::3], cells[2::3], strict=False)
    return [(path, value) for path, value in rows if value not in _NONE]


def _unknown(repository: Repository, path: str, name: str) -> Problem:
    message = (
        f"{path} goes through the filter {name!r}, which only the configuration of this "
        "repository names: its programs are not run"
    )
    own = "git lfs install" if name == "lfs" else f"git config --global filter.{name}.smudge …"
    hint = f"name the filter in your own configuration, if you trust it (`{own}`)"
    return Problem(file=str(repository.top), message=message, hint=hint)
