"""What git knows of a project, read without a change to its tree, index or folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from artifactbuild.problems import Problem, Refusal

MAIN = ("main", "master", "trunk")
"""What the main branch is called where the remote does not say."""


def root(folder: Path) -> Path | None:
    """Return the top of the working tree that a folder is in, None if it is in none."""
    found = _git(folder, "rev-parse", "--show-toplevel")
    return None if found is None else Path(os.fsdecode(found).rstrip("\n"))


def commit(top: Path, revision: str) -> str | None:
    """Return the commit that a revision names, None if it names none."""
    named = f"{revision}^{{commit}}"
    found = _git(top, "rev-parse", "--verify", "--quiet", named)
    return None if found is None else found.decode().strip()


def fork(top: Path) -> tuple[str, str]:
    """Return the main branch, and the commit where the current one left it.

    Raises:
        Refusal: when no main branch is found, or nothing in common with it.
    """
    branches = [*_remote_main(top), *MAIN, *(f"origin/{name}" for name in MAIN)]
    branch = next((each for each in branches if commit(top, each)), None)
    if branch is None:
        message = f"no main branch was found, expected one of {', '.join(MAIN)}"
        hint = "name what to compare with: `artifactbuild diff REVISION`"
        raise Refusal(Problem(file=str(top), message=message, hint=hint))
    found = _git(top, "merge-base", "HEAD", branch)
    if found is None:
        message = f"this branch has nothing in common with {branch!r}"
        hint = "a shallow clone needs `git fetch --unshallow`; or name a revision to compare with"
        raise Refusal(Problem(file=str(top), message=message, hint=hint))
    return branch, found.decode().strip()


def files(top: Path, commit: str) -> tuple[str, ...]:
    """Return the paths of all files in a commit, from the top."""
    found = _git(top, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    return tuple(filter(None, os.fsdecode(found or b"").split("\0")))


def content(top: Path, commit: str, path: str) -> bytes | None:
    """Return the bytes of a file in a commit, None if it is not there."""
    return _git(top, "cat-file", "blob", f"{commit}:{path}")


def known(folder: Path) -> tuple[str, ...]:
    """Return the files in a folder that git tracks or would add; none outside a repository."""
    found = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return tuple(dict.fromkeys(filter(None, os.fsdecode(found or b"").split("\0"))))


def extract(top: Path, commit: str, into: Path, index: Path) -> None:
    """Write all files of a commit into an empty folder, through an index of its own.

    Unlike an archive, this leaves out and rewrites nothing that `.gitattributes` exempts from
    archives, and stored large files are filled in.
    """
    environment = {**os.environ, "GIT_INDEX_FILE": str(index)}
    for arguments in (["read-tree", commit], ["checkout-index", "--all", f"--prefix={into}/"]):
        command = ["git", "-C", str(top), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            message = f"git could not write the files of {commit}: {said[-1]}"
            raise Refusal(Problem(file=str(top), message=message))


def _remote_main(top: Path) -> list[str]:
    found = _git(top, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    return [] if found is None else [os.fsdecode(found).strip()]


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git answers; None when it fails or is not there."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout
