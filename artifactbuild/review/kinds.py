"""The kinds of drift: every one has a name, a sentence and the command that repairs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of drift: a sentence on it, the command that repairs it, and if it is an error.

    What is no error is only told: it is a state on the way, not a contradiction. With
    `check --locked`, what is `locked` is an error all the same. With `relock`, a rebuild may show
    that it leaves the model as it is. What `many` versions may share is told once, by that
    sentence.
    """

    sentence: str
    repair: str
    error: bool
    locked: bool = False
    relock: bool = False
    many: str = ""


BUILD, BUMP = "artifactbuild build {manifest}", "artifactbuild bump {manifest}"
RELOCK = "artifactbuild relock {manifest}"
REPAIR = "artifactbuild build --repair {manifest}"
RESTORE = (
    "echo '{what} text eol=lf' >> .gitattributes && git add .gitattributes && "
    "git add --renormalize {what} && rm {what} && git checkout -- {what}"
)
"""What `release.line_endings` gives where git tracks a text file next to the manifest."""

BUMP_TO = "artifactbuild bump --to {next} {manifest}"
GIVE_UP = "rm -rf {folder} && artifactbuild build {manifest}"

KINDS: Mapping[str, Kind] = {
    "manifest-changed": Kind(
        sentence="`{what}` in the manifest changed since {version} was released",
        repair=BUMP,
        error=True,
        relock=True,
    ),
    "text-changed": Kind(
        sentence="`{what}` changed since {version} was released: the next version tells it",
        repair=BUMP,
        error=False,
    ),
    "source-changed": Kind(
        sentence="{what} changed since {version} was released",
        repair=BUMP,
        error=True,
        relock=True,
        many="{what} changed since {count} versions were released",
    ),
    "source-line-endings": Kind(
        sentence="{what} differs only in its line endings ({endings} here) since {version} was "
        "released",
        repair=RESTORE,
        error=True,
    ),
    "source-missing": Kind(
        sentence="{what}, which {version} was made from, is gone",
        repair=BUMP,
        error=True,
        relock=True,
        many="{what}, which {count} versions were made from, is gone",
    ),
    "source-new": Kind(
        sentence="{what} is there now, and was not when {version} was released",
        repair=BUMP,
        error=True,
        relock=True,
        many="{what} is there now, and was not when {count} versions were released",
    ),
    "variable-changed": Kind(
        sentence="the environment variable {what} changed since {version} was released",
        repair=BUMP,
        error=True,
        relock=True,
        many="the environment variable {what} changed since {count} versions were released",
    ),
    "distribution-changed": Kind(
        sentence="{what} since {version} was released",
        repair=BUMP,
        error=True,
        relock=True,
        many="{what} since {count} versions were released",
    ),
    "distribution-missing": Kind(
        sentence="{what}, which {version} was made with, is not installed here",
        repair="pip install {what}",
        error=False,
        many="{what}, which {count} versions were made with, is not installed here",
    ),
    "options-changed": Kind(
        sentence="the options of {what} changed since {version} was released",
        repair=BUMP,
        error=True,
    ),
    "tolerance-wider": Kind(
        sentence="the tolerance of {what} is wider than {version} was released with",
        repair=BUMP,
        error=True,
    ),
    "format-impossible": Kind(
        sentence="cannot be made: {what}", repair="edit {manifest}", error=True
    ),
    "not-locked": Kind(
        sentence="{version} was never built: there is no lock",
        repair=BUILD,
        error=False,
        locked=True,
    ),
    "lock-stale": Kind(
        sentence="{version} was never built: the lock is of {what}",
        repair=BUILD,
        error=False,
        locked=True,
    ),
    "lock-lost": Kind(
        sentence="{version} was released by {what} from the same inputs, and its lock is not here",
        repair="git show {there} > {lock}",
        error=False,
        locked=True,
    ),
    "version-reused": Kind(
        sentence="{version} was released by {what}: a version is released once",
        repair=BUMP,
        error=True,
    ),
    "version-lower": Kind(
        sentence="{version} comes before {what}, which was released",
        repair=BUMP_TO,
        error=False,
    ),
    "version-scheme": Kind(
        sentence="{version} does not follow {what}, which was released: neither comes first",
        repair=BUMP_TO,
        error=False,
    ),
    "lock-uncommitted": Kind(
        sentence="the lock of {version} {what}",
        repair="git add --force {lock} && git commit",
        error=True,
    ),
    "no-repository": Kind(
        sentence="there is no git repository that has the lock of {version}",
        repair="artifactbuild check --committed {manifest}",
        error=True,
    ),
    "format-not-locked": Kind(
        sentence="{what} is asked for, and not in the lock of {version}",
        repair=BUILD,
        error=False,
        locked=True,
    ),
    "format-dropped": Kind(
        sentence="{what} was released in {version}, and is not asked for any more",
        repair=BUMP,
        error=False,
        locked=True,
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
        sentence="the payload of {what} is not the one that the lock of {version} names",
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
        repair=BUMP,
        error=False,
        relock=True,
        many="{what} since {count} versions were released: a rebuild may give other bytes",
    ),
    "writer-newer": Kind(
        sentence="{what}: a rebuild may give other bytes", repair=BUMP, error=False
    ),
}
"""Every kind of drift that `check` tells of."""
