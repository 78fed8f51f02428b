"""What git knows of a project, read without a change to its tree, index or folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from artifactbuild.problems import Problem, Refusal


def root(folder: Path) -> Path:
    """Return the top of the working tree that a folder is in.

    Raises:
        Refusal: when it is in none.
    """
    found = _git(folder, "rev-parse", "--show-toplevel")
    if found is None:
        message = "is in no git repository, so there is no revision to take"
        raise Refusal(Problem(file=str(folder), message=message, hint="leave out `--from`"))
    return Path(os.fsdecode(found).rstrip("\n"))


def commit(top: Path, revision: str) -> str:
    """Return the commit that a revision names.

    Raises:
        Refusal: when it names none.
    """
    named = f"{revision}^{{commit}}"
    found = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", named)
    if found is None:
        message = f"{revision!r} names no commit"
        hint = "`git log --oneline` lists commits; one that is not here needs `git fetch`"
        raise Refusal(Problem(file=str(top), message=message, hint=hint))
    return found.decode().strip()


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


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git answers; None when it fails or is not there."""
    command: Sequence[str] = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout
