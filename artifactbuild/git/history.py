"""What all commits of a repository brought, on every branch, whatever is checked out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from artifactbuild.git import MAIN, MAX_BYTES, commit, objects, remote_main, running
from artifactbuild.git.place import Repository

_MOST_TIPS = 1000
"""As many commits are named as known on a command line; with more of them, all is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A file as a commit brought it: its path from the top, and the object that it holds."""

    commit: str
    path: str
    name: str


def is_shallow(repository: Repository) -> bool:
    """Tell whether older commits were left out of this clone."""
    file = repository.folder / "shallow"
    return file.is_file() and file.stat().st_size > 0


def tips(repository: Repository) -> tuple[str, ...]:
    """Return the objects that all branches, tags and HEAD name, sorted."""
    answer = repository.run("rev-parse", "--all")
    if answer.code:
        raise running.refusal(repository.top, ("rev-parse",), answer)
    head = commit(repository, "HEAD")
    return tuple(sorted({*answer.out.decode().split(), *([head] if head else [])}))


def brought(
    repository: Repository, pattern: str, known: Sequence[str] = ()
) -> tuple[Brought, ...] | None:
    """Return the files of a pattern that commits added or changed, the newest first.

    Commits that the tips in `known` reach are left out; None where one of these is no longer there.
    """
    if len(known) > _MOST_TIPS:
        return None
    # Without the full history git leaves out the side of a merge whose files it did not take.
    arguments = (
        *("log", "--all", "--full-history", "-m", "--no-renames", "--diff-filter=AM"),
        *("--raw", "--no-abbrev", "-z", "--format=%H"),
        *(("--not", *known) if known else ()),
        *("--", f":(top,glob){pattern}"),
    )
    answer = repository.run(*arguments, variables={"GIT_LITERAL_PATHSPECS": "0"})
    if answer.code and known:
        return None
    if answer.code:
        raise running.refusal(repository.top, arguments, answer)
    return tuple(_parsed(os.fsdecode(answer.out)))


def held(repository: Repository, names: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of objects by name, without those that are missing here or too large."""
    wanted = list(dict.fromkeys(names))
    sizes = objects.sizes(repository, wanted)
    return objects.contents(
        repository, {name: size for name, size in sizes.items() if size <= MAX_BYTES}
    )


def reaches(repository: Repository, tip: str, commit: str) -> bool:
    """Tell whether a commit is in the history of another."""
    return repository.run("merge-base", "--is-ancestor", commit, tip).code == 0


def main(repository: Repository) -> str | None:
    """Return the commit that the main branch names, None where there is no such branch."""
    names = (*remote_main(repository), *MAIN, *(f"origin/{name}" for name in MAIN))
    return next((found for name in names if (found := commit(repository, name))), None)


def branch(repository: Repository, commit: str) -> str:
    """Return a branch that has a commit: the main one, else another, else the current one.

    Empty where none has it.
    """
    arguments = (
        "--format=%(HEAD)%(refname:short)",
        f"--contains={commit}",
        "refs/heads",
        "refs/remotes",
    )
    answer = repository.run("for-each-ref", *arguments)
    lines = [] if answer.code else os.fsdecode(answer.out).splitlines()
    found = [line[1:] for line in sorted(lines)]  # a star, which marks the current one, comes last
    wanted = (*MAIN, *(f"origin/{name}" for name in MAIN))
    return next((name for name in wanted if name in found), found[0] if found else "")


def _parsed(out: str) -> list[Brought]:
    found, at, tokens = [], "", iter(out.split("\0"))
    for token in tokens:
        described = token.removeprefix("\n")
        if described.startswith(":"):
            name = described.split(" ")[3]
            found.append(Brought(commit=at, path=next(tokens), name=name))
        elif described:
            at = described
    return found
