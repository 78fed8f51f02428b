"""Objects that a partial clone does not have: named, with the `git fetch` that gets them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from artifactbuild.git.place import Repository
from artifactbuild.problems import Problem, Refusal

FEW = 20
"""As many objects are fetched by name; more of them by fetching all again."""

REFETCH = "git fetch --refetch --no-filter {remote}"

_REMOTE = re.compile(r"remote\.(?P<name>\w[\w.-]*)\.(url|pushurl)")
_URL = re.compile(
    r"(https?|ssh|git|file)://[^\s-]\S*|(\w[\w.-]*@)?\w[\w.-]*:(?!:|//)[^\s-]\S*|/\S*"
)
"""Addresses for which git starts no helper of a name that they choose, as `NAME::…` does."""

_ORDINARY = re.compile(
    r"core\.(repositoryformatversion|bare|filemode|logallrefupdates|ignorecase|precomposeunicode"
    r"|symlinks|autocrlf|eol|sparsecheckout|sparsecheckoutcone)"
    r"|lfs\.(repositoryformatversion|\S*\.(access|locksverify))|extensions\.\w+"
    r"|gc\.auto|http\.(.*\.)?extraheader|user\.(name|email)|branch\..*\.(remote|merge|rebase|description)"
    r"|remote\..*\.(fetch|promisor|partialclonefilter|tagopt|prune|skip\w+)"
    r"|submodule\..*\.(url|active|branch)|(pull|push|merge|rebase|init|index|color)\.\w+",
    re.S,
)
"""Settings that name no program which `git fetch` runs."""


def objects(repository: Repository, what: str, names: Sequence[str]) -> Refusal:
    """Return the refusal for objects that are not in this clone, none named for all there are."""
    count = len(names)
    missing = "objects are missing" if count != 1 else "an object is missing"
    message = f"{missing} in this clone: {what}"
    few = "git fetch {remote} " + " ".join(names)
    hint = _hint(repository, few if 0 < count <= FEW else REFETCH)
    return Refusal(Problem(file=str(repository.top), message=message, hint=hint))


def large_files(repository: Repository, commit: str) -> str:
    """Return the hint for files of a commit whose contents Git LFS has not stored here."""
    return _hint(repository, "git lfs fetch {remote} " + commit)


def _hint(repository: Repository, fetch: str) -> str:
    """Name the fetch, and before it what in the configuration may make it run a program."""
    remote = _remote(repository)
    foreign = [name for name, value in repository.settings if not _is_ordinary(name, value)]
    if remote is None:
        return "take a complete clone: the configuration of this one names no remote to fetch from"
    command = fetch.format(remote=remote)
    if foreign:
        doubt = f"{foreign[0]!r} of this clone's configuration may make git run a program"
        return f"{doubt}: only if you trust it, run `{command}`"
    return f"run `{command}`"


def _is_ordinary(name: str, value: str) -> bool:
    if _REMOTE.fullmatch(name):
        return _URL.fullmatch(value) is not None
    return _ORDINARY.fullmatch(name) is not None


def _remote(repository: Repository) -> str | None:
    """Return the remote that promised the objects, else one that there is, `origin` first."""
    known = dict(repository.settings)
    urls = [
        found["name"]
        for name, value in repository.settings
        if (found := _REMOTE.fullmatch(name)) and found[2] == "url" and _URL.fullmatch(value)
    ]
    promising = [name for name in urls if known.get(f"remote.{name}.promisor") == "true"]
    return next(iter([*promising, *(name for name in urls if name == "origin"), *urls]), None)
