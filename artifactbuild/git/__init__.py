"""What git knows of a project, read without a change to its tree, index or folder.

Nothing that a checkout holds is run: see `git.running` and `git.place`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from artifactbuild.git import filters, missing, running
from artifactbuild.git.place import Repository, opened
from artifactbuild.problems import Problem, Refusal

__all__ = [
    "Repository",
    "commit",
    "contents",
    "extract",
    "files",
    "fork",
    "known",
    "opened",
    "staged",
]

MAIN = ("main", "master", "trunk")
"""What the main branch is called where the remote does not say."""

MAX_BYTES = 1 << 24
"""What is read of a file in a commit at most: no manifest and no lock is larger."""

_FILE = "blob"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def commit(repository: Repository, revision: str) -> str | None:
    """Return the commit that a revision names, None if it names none.

    Raises:
        Refusal: when it names one that this clone does not have.
    """
    if revision.startswith("-") or _CONTROL.search(revision):
        return None
    found = _parsed(repository, f"{revision}^{{commit}}")
    if found is not None:
        return found
    there = _parsed(repository, revision)
    if there is None or repository.run("cat-file", "-e", there).code == 0:  # a file, a folder
        return None
    raise missing.objects(repository, f"the commit {revision!r}", [there])


def fork(repository: Repository) -> tuple[str, str]:
    """Return the main branch, and the commit where the current one left it.

    Raises:
        Refusal: when no main branch is found, or nothing in common with it.
    """
    branches = [*_remote_main(repository), *MAIN, *(f"origin/{name}" for name in MAIN)]
    commits = ((each, commit(repository, each)) for each in branches)
    branch, tip = next(((name, at) for name, at in commits if at), (None, None))
    if branch is None or tip is None:
        message = f"no main branch was found, expected one of {', '.join(MAIN)}"
        hint = "name what to compare with: `artifactbuild diff REVISION`"
        raise Refusal(Problem(file=str(repository.top), message=message, hint=hint))
    head = commit(repository, "HEAD")
    answer = repository.run("merge-base", head, tip) if head is not None else None
    if answer is not None and answer.code > 1:
        raise missing.objects(repository, answer.reason, [])
    if answer is None or answer.code:
        message = f"this branch has nothing in common with {branch!r}"
        hint = "a shallow clone needs `git fetch --unshallow`; or name a revision to compare with"
        raise Refusal(Problem(file=str(repository.top), message=message, hint=hint))
    return branch, answer.out.decode().strip()


def files(repository: Repository, commit: str) -> tuple[str, ...]:
    """Return the paths of all files in a commit, from the top."""
    return tuple(_objects(repository, commit))


def contents(repository: Repository, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of files in a commit by path; those that are not there are left out.

    Raises:
        Refusal: when one is larger than `MAX_BYTES`, or missing in this clone.
    """
    known = _objects(repository, commit)
    wanted = {path: known[path] for path in paths if path in known}
    sizes = _sizes(repository, wanted.values())
    lost = {path: name for path, name in wanted.items() if name not in sizes}
    if lost:
        what = ", ".join(lost)
        raise missing.objects(repository, what, list(dict.fromkeys(lost.values())))
    for path, name in wanted.items():
        if sizes[name] > MAX_BYTES:
            message = f"has {sizes[name]} bytes, expected at most {MAX_BYTES}"
            raise Refusal(Problem(file=f"{commit[:7]}:{path}", message=message))
    answer = repository.run("cat-file", "--batch", given=_lines(wanted.values()))
    if answer.code:
        raise running.refusal(repository.top, ("cat-file",), answer)
    found, rest = {}, memoryview(answer.out)
    for path, name in wanted.items():
        start = len(f"{name} {_FILE} {sizes[name]}\n")
        found[path] = bytes(rest[start : start + sizes[name]])
        rest = rest[start + sizes[name] + 1 :]
    return found


def known(repository: Repository, folder: Path) -> tuple[str, ...]:
    """Return the files in a folder that git tracks or would add; none outside of the tree."""
    if not Path(os.path.realpath(folder)).is_relative_to(repository.top):
        return ()
    arguments = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    index = {"GIT_INDEX_FILE": str(repository.index)}
    answer = repository.run(*arguments, inside=folder, variables=index)
    if answer.code:
        raise running.refusal(folder, arguments, answer)
    return tuple(dict.fromkeys(filter(None, os.fsdecode(answer.out).split("\0"))))


def staged(repository: Repository, file: Path) -> bytes | None:
    """Return what the index has of a file, by its real path; None where git does not track it."""
    if not file.is_relative_to(repository.top):
        return None
    index = {"GIT_INDEX_FILE": str(repository.index)}
    arguments = ("ls-files", "-z", "--stage", "--", file.name)
    answer = repository.run(*arguments, inside=file.parent, variables=index)
    if answer.code:
        raise running.refusal(file, arguments, answer)
    entry = os.fsdecode(answer.out).partition("\t")[0].split(" ")
    if len(entry) != len(("mode", "object", "stage")):
        return None
    found = repository.run("cat-file", _FILE, entry[1])
    return None if found.code else found.out


def extract(repository: Repository, commit: str, into: Path, index: Path) -> None:
    """Write all files of a commit into an empty folder, through an index of its own.

    Unlike an archive, this leaves out and rewrites nothing that `.gitattributes` exempts from
    archives; filters of the user's own configuration run, so that stored large files are filled in.

    Raises:
        Refusal: when objects are missing, or the repository alone names a filter that is needed.
    """
    places = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(into)}
    known = _objects(repository, commit)
    read = repository.run("read-tree", commit, inside=into, variables=places)
    if read.code == 0:
        filters.hold(repository, tuple(known), places)
        read = repository.run(
            *("checkout-index", "--all"),
            inside=into,
            variables=places,
            patience=running.PATIENCE_TO_WRITE,
        )
    if read.code:
        raise _unwritten(repository, commit, known, read)


def _unwritten(
    repository: Repository, commit: str, known: Mapping[str, str], answer: running.Answer
) -> Refusal:
    """Return why files of a commit could not be written: for objects that are missing, mostly."""
    sizes = _sizes(repository, known.values())
    lost = [name for name in dict.fromkeys(known.values()) if name not in sizes]
    if lost:
        return missing.objects(repository, f"files of {commit}", lost)
    message = f"git could not write the files of {commit}: {answer.reason}"
    hint = missing.large_files(repository, commit) if "git-lfs" in answer.err else ""
    return Refusal(Problem(file=str(repository.top), message=message, hint=hint))


def _parsed(repository: Repository, name: str) -> str | None:
    """Return the object that a name stands for, None if it stands for none."""
    answer = repository.run("rev-parse", "--verify", "--quiet", "--end-of-options", name)
    return None if answer.code else answer.out.decode().strip().splitlines()[-1]


def _remote_main(repository: Repository) -> list[str]:
    arguments = ("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    answer = repository.run(*arguments)
    return [] if answer.code else [os.fsdecode(answer.out).strip()]


def _objects(repository: Repository, commit: str) -> dict[str, str]:
    """Return the objects of all files in a commit, by their paths from the top."""
    answer = repository.run("ls-tree", "-r", "-z", "--full-tree", commit)
    if answer.code:
        raise missing.objects(repository, f"folders of {commit[:7]} ({answer.reason})", [])
    found = {}
    for line in filter(None, os.fsdecode(answer.out).split("\0")):
        described, _, path = line.partition("\t")
        _, kind, name = described.split(" ")
        if kind == _FILE:
            found[path] = name
    return found


def _sizes(repository: Repository, names: Iterable[str]) -> Mapping[str, int]:
    """Return the sizes of the objects that are there."""
    answer = repository.run("cat-file", "--batch-check", given=_lines(names))
    if answer.code:
        raise running.refusal(repository.top, ("cat-file",), answer)
    rows = [line.split(" ") for line in answer.out.decode().splitlines()]
    return {row[0]: int(row[2]) for row in rows if len(row) == len(("name", "kind", "size"))}


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()
