"""The one way that git is started: it runs no program and reaches no network that a checkout names.

The settings of the user and of the system stay in force. Those of a repository are never read by
the commands that look at objects and files: see `git.place`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from artifactbuild import searching
from artifactbuild.problems import Problem, Refusal

PATIENCE = 120.0
"""Seconds that a command may take to look: a pipe in the place of a file never ends."""

PATIENCE_TO_WRITE = 3600.0

SETTINGS = (
    "safe.bareRepository=explicit",
    f"core.hooksPath={os.devnull}",
    "core.fsmonitor=false",
    "core.useReplaceRefs=false",
    "credential.helper=",
    "submodule.recurse=false",
)

_FIXED = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # else a commit could stand for another one
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",  # messages are recognized by their English text
}

_WHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
"""Git gives these to its hooks and to `git rebase --exec`; a bare repository is named by them."""

_KEPT = frozenset(
    {
        *_WHERE,
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",  # where a server's hook finds what is being pushed
        "GIT_CEILING_DIRECTORIES",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
        "GIT_CONFIG_COUNT",  # this and the next are settings of the caller, as those of the user
        "GIT_CONFIG_PARAMETERS",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_EXEC_PATH",  # where git's own programs are, in an installation that was moved
        "GIT_LFS_SKIP_SMUDGE",
    }
)
_KEPT_BEGINNINGS = ("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command ended with, and what it said on both outputs."""

    code: int
    out: bytes
    err: str

    @property
    def reason(self) -> str:
        """Return the first line of what went wrong."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))]
        first = next(iter([*fatal, *lines]), f"git ended with exit code {self.code}")
        return first.partition(": ")[2] if first in fatal else first


def program() -> str | None:
    """Return the path of git, None if it is not installed; the current folder is not searched."""
    return searching.program("git")


def named(variable: str) -> str | None:
    """Return a place that the caller's environment names, as an absolute path."""
    place = os.environ.get(variable)
    return os.path.abspath(place) if place else None


def run(
    folder: Path,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    given: bytes = b"",
    patience: float | None = None,
) -> Answer:
    """Run one git command in a folder and return its answer, whatever it is.

    Raises:
        Refusal: when git is not installed, or takes longer than `patience`, by default `PATIENCE`.
    """
    seconds = PATIENCE if patience is None else patience
    git = program()
    if git is None:
        raise Refusal(_not_installed(folder))
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    command = [git, "--no-pager", *settings, "-C", str(folder), *arguments]
    environment = {**_environment(), **(variables or {})}
    try:
        done = subprocess.run(
            command,
            input=given,
            env=environment,
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        message = f"`git {arguments[0]}` took more than {seconds:g} s, and was stopped"
        raise Refusal(Problem(file=str(folder), message=message)) from None
    return Answer(code=done.returncode, out=done.stdout, err=done.stderr.decode(errors="replace"))


def refusal(folder: Path, arguments: Sequence[str], answer: Answer) -> Refusal:
    """Return the refusal that reports a command which failed."""
    message = f"`git {arguments[0]}` failed: {answer.reason}"
    return Refusal(Problem(file=str(folder), message=message))


def _environment() -> dict[str, str]:
    """Return the caller's environment, of git's own variables only what says where things are."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or _is_kept(k)}
    places = {name: place for name in _WHERE if (place := named(name)) is not None}
    ours.pop("LANGUAGE", None)
    return {**ours, **places, **_FIXED, "PATH": searching.programs()}


def _is_kept(variable: str) -> bool:
    return variable in _KEPT or variable.startswith(_KEPT_BEGINNINGS)


def _not_installed(folder: Path) -> Problem:
    message = "is in a git checkout, and git is not installed"
    hint = "install git, and see to it that PATH names its folder by an absolute path"
    return Problem(file=str(folder), message=message, hint=hint)
