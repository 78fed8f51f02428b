"""The kinds of drift: every one has a name, a sentence and the command that repairs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of drift: a sentence on it, the command that repairs it, and if it is an error.

    What is no error is only told: it is a state on the way, not a contradiction.
    """

    sentence: str
    repair: str
    error: bool


BUILD, BUMP = "artifactbuild build {manifest}", "artifactbuild bump {manifest}"
REPAIR = "artifactbuild build --repair {manifest}"
GIVE_UP = "rm -rf {folder} && artifactbuild build {manifest}"

KINDS: Mapping[str, Kind] = {
    "manifest-changed": Kind(
        sentence="`{what}` in the manifest changed since {version} was released",
        repair=BUMP,
        error=True,
    ),
    "source-changed": Kind(
        sentence="{what} changed since {version} was released", repair=BUMP, error=True
    ),
    "source-missing": Kind(
        sentence="{what}, which {version} was made from, is gone", repair=BUMP, error=True
    ),
    "source-new": Kind(
        sentence="{what} is there now, and was not when {version} was released",
        repair=BUMP,
        error=True,
    ),
    "variable-changed": Kind(
        sentence="the environment variable {what} changed since {version} was released",
        repair=BUMP,
        error=True,
    ),
    "distribution-changed": Kind(
        sentence="{what} since {version} was released", repair=BUMP, error=True
    ),
    "distribution-missing": Kind(
        sentence="{what}, which {version} was made with, is not installed here",
        repair="pip install {what}",
        error=False,
    ),
    "options-changed": Kind(
        sentence="the options of {what} changed since {version} was released",
        repair=BUMP,
        error=True,
    ),
    "format-impossible": Kind(
        sentence="cannot be made: {what}", repair="edit {manifest}", error=True
    ),
    "not-locked": Kind(
        sentence="{version} was never built: there is no lock", repair=BUILD, error=False
    ),
    "lock-stale": Kind(
        sentence="{version} was never built: the lock is of {what}", repair=BUILD, error=False
    ),
    "format-not-locked": Kind(
        sentence="{what} is asked for, and not in the lock of {version}", repair=BUILD, error=False
    ),
    "format-dropped": Kind(
        sentence="{what} was released in {version}, and is not asked for any more",
        repair=BUMP,
        error=False,
    ),
    "not-published": Kind(
        sentence="the lock of {version} has {what}, and {root} has not",
        repair=BUILD,
        error=False,
    ),
    "published-not-locked": Kind(
        sentence="{root} has {what} of {version}, and the lock has not", repair=BUILD, error=True
    ),
    "artifact-missing": Kind(
        sentence="{what} is in the lock of {version}, and gone", repair=REPAIR, error=True
    ),
    "artifact-extra": Kind(
        sentence="{what} is not in the lock of {version}", repair=REPAIR, error=True
    ),
    "artifact-changed": Kind(
        sentence="{what} has other bytes than the lock of {version} names",
        repair=REPAIR,
        error=True,
    ),
    "artifact-unreadable": Kind(sentence="{what}", repair=REPAIR, error=True),
    "artifact-damaged": Kind(
        sentence="{folder} is damaged, and no lock says what it held: {what}",
        repair=GIVE_UP,
        error=True,
    ),
    "artifact-unlike-lock": Kind(
        sentence="{what} was built here in another environment than the lock names",
        repair="artifactbuild reproduce {manifest}",
        error=False,
    ),
    "card-stale": Kind(
        sentence="the template now gives another card than {what}",
        repair=BUMP,
        error=False,
    ),
    "environment-changed": Kind(
        sentence="{what} since {version} was released: a rebuild may give other bytes",
        repair="artifactbuild reproduce {manifest}",
        error=False,
    ),
}
"""Every kind of drift that `check` tells of."""
