"""Which versions of a model any branch released, as the locks in the git history say.

Asked only where that matters: of a version that the lock here does not have, by `bump`, and by
`check --locked`. A command that finds nothing to do starts no git.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from artifactbuild import contents, git
from artifactbuild.contents import Watched
from artifactbuild.data import Mismatch, loads
from artifactbuild.git import history
from artifactbuild.git.history import Brought
from artifactbuild.git.place import MARK, Repository
from artifactbuild.index import releases
from artifactbuild.index.releases import Known, Told
from artifactbuild.manifest import find
from artifactbuild.problems import Refusal
from artifactbuild.release import digest, lock, record
from artifactbuild.release.lock import Lock

PATTERN = f"**/*.artifact{lock.SUFFIX}"

SHALLOW = (
    "the git history is shallow: whether a version was released by another branch is not checked "
    "(`git fetch --unshallow`)"
)
INCOMPLETE = (
    "locks are missing in this partial clone: whether a version was released by another branch is "
    "not checked (`git fetch --refetch --no-filter`)"
)

UNREAD = "whether a version was released by another branch is not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A version of a model in a project; `payloads` are those of its lock here, if it has one."""

    project: Path
    model: str
    version: str
    payloads: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A release of a version elsewhere: the commit and the branch, the lock and where it was.

    `path` is the lock's, from the top of the repository; `lock` is None where it cannot be read.
    """

    commit: str
    branch: str
    path: str
    lock: Lock | None

    @property
    def by(self) -> str:
        """Say who released it."""
        short = self.commit[:7]
        return f"the branch {self.branch!r} ({short})" if self.branch else f"the commit {short}"

    @property
    def there(self) -> str:
        """Name the lock as git does."""
        return f"{self.commit[:7]}:{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the git history tells of a version.

    `released` are its releases by others, with another payload than here; `taken` all versions of
    the model that were ever released; `skipped` says why nothing is known; `watched` is what to
    look at to see whether anything is new.
    """

    released: tuple[Released, ...] = ()
    taken: frozenset[str] = frozenset()
    skipped: str = ""
    watched: tuple[Watched, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A release of a version elsewhere, and what was other there than it is here now.

    Without `changes`, it was made from the same inputs: only its lock is not here.
    """

    released: Released
    changes: tuple[str, ...]


NONE = History()


def look(wanted: Iterable[Wanted]) -> Mapping[Wanted, History]:
    """Return what git knows of versions; without a repository, nothing."""
    by_project: dict[Path, list[Wanted]] = {}
    for each in wanted:
        by_project.setdefault(each.project, []).append(each)
    read: dict[Path, tuple[Known, str]] = {}
    found: dict[Wanted, History] = {}
    for project, asked in by_project.items():
        try:
            found |= _of_project(project, asked, read)
        except Refusal as refusal:  # what git cannot read stops nobody from building
            why = f"{UNREAD}: {refusal.problems[0].file} {refusal.problems[0].message}"
            found |= dict.fromkeys(asked, History(skipped=why))
    return found


def _of_project(
    project: Path, asked: Sequence[Wanted], read: dict[Path, tuple[Known, str]]
) -> dict[Wanted, History]:
    with git.opened(project) as repository:
        if repository is None:
            nothing = History(watched=(contents.files(str(project), (), [MARK]),))
            return dict.fromkeys(asked, nothing)
        if repository.top not in read:
            read[repository.top] = _read(repository)
        return dict(_answers(repository, *read[repository.top], asked))


def payloads(of: Lock) -> tuple[tuple[str, str], ...]:
    """Return a digest of each format's payload, as a lock has it."""
    return tuple((f, digest.of_data(each.payload)) for f, each in sorted(of.artifacts.items()))


def _answers(
    repository: Repository, known: Known, skipped: str, asked: Sequence[Wanted]
) -> Iterable[tuple[Wanted, History]]:
    watched = () if skipped else _watched(repository)
    for each in asked:
        rows = [] if skipped else [*_of_model(repository, known, each)]
        others = _others(repository, known, each, rows)
        yield (
            each,
            History(
                released=tuple(_released(repository, row) for row in others),
                taken=frozenset(known.locks[row.name].version for row in rows),
                skipped=skipped,
                watched=watched,
            ),
        )


def _of_model(repository: Repository, known: Known, wanted: Wanted) -> Iterator[Brought]:
    """Yield the locks of a model of the project, the newest first."""
    for commit, path, name in known.brought:
        told = known.locks.get(name)
        if told is not None and told.model == wanted.model:
            folder = os.path.dirname(os.path.join(repository.top, path))
            if find.project_of(folder) == os.path.realpath(wanted.project):
                yield Brought(commit=commit, path=path, name=name)


def _others(
    repository: Repository, known: Known, wanted: Wanted, rows: Iterable[Brought]
) -> list[Brought]:
    """Return the first commit of each release of a version with another payload than here.

    Where the version is in the lock here, what another branch did counts only once it is in the
    history of this one or of the main branch: else each of two branches would blame the other. And
    nothing counts once the main branch has the payload that is here: that is the release then.
    """
    rows = [*rows]
    own = dict(wanted.payloads) if wanted.payloads is not None else None
    first = {
        row.name: row
        for row in rows
        if known.locks[row.name].version == wanted.version
        and (own is None or _differs(own, known.locks[row.name].payloads))
    }
    if own is None or not first:
        return [*first.values()]
    main = history.main(repository)
    if main and _is_settled(repository, main, wanted, {row.path for row in rows}):
        return []
    bases = [git.commit(repository, "HEAD"), main]
    return [
        row
        for row in first.values()
        if any(base and history.reaches(repository, base, row.commit) for base in bases)
    ]


def _is_settled(repository: Repository, main: str, wanted: Wanted, paths: Collection[str]) -> bool:
    """Tell whether the main branch releases the version with the payload that is here."""
    found = [_told(raw) for raw in git.contents(repository, main, paths).values()]
    return any(
        (told.model, told.version) == (wanted.model, wanted.version)
        and not _differs(dict(wanted.payloads or ()), told.payloads)
        for told in found
    )


def _differs(own: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return any(other.get(format, payload) != payload for format, payload in own.items())


def _released(repository: Repository, row: Brought) -> Released:
    raw = history.held(repository, [row.name]).get(row.name, b"")
    try:
        found = lock.parsed(raw, row.path)
    except Refusal:
        found = None
    branch = history.branch(repository, row.commit)
    return Released(commit=row.commit, branch=branch, path=row.path, lock=found)


def _read(repository: Repository) -> tuple[Known, str]:
    """Read what is new since the last time; say why where nothing can be known."""
    if history.is_shallow(repository):
        return releases.NOTHING, SHALLOW
    file = releases.file_of(str(repository.top))
    before, tips = releases.read(file), history.tips(repository)
    if not tips:
        return releases.NOTHING, ""
    if before.tips and tuple(before.tips) == tips:
        return before, ""
    new = history.brought(repository, PATTERN, before.tips) if before.tips else None
    if new is None:
        before, new = releases.NOTHING, history.brought(repository, PATTERN) or ()
    lacking = [row.name for row in new if row.name not in before.locks]
    held = history.held(repository, lacking)
    if set(lacking) - set(held):
        return releases.NOTHING, INCOMPLETE
    known = Known(
        tips=tips,
        brought=(*((row.commit, row.path, row.name) for row in new), *before.brought),
        locks={**before.locks, **{name: _told(raw) for name, raw in held.items()}},
    )
    releases.write(file, known)
    return known, ""


def _told(raw: bytes) -> Told:
    """Return what a lock says; nothing of what is none."""
    try:
        data = loads(raw)
        return Told(
            model=str(data["model"]),
            version=str(data["version"]),
            payloads={f: _payload(each["files"]) for f, each in data["artifacts"].items()},
        )
    except (Mismatch, AttributeError, KeyError, TypeError):
        return Told(model="", version="", payloads={})


def _payload(files: Mapping[str, str]) -> str:
    return digest.of_data({name: sha for name, sha in files.items() if name not in record.FACTS})


def _watched(repository: Repository) -> tuple[Watched, ...]:
    """Watch the branches, tags and HEAD: a commit that none of them names changes nothing."""
    names = [f"{repository.folder / name}" for name in ("refs", "reftable")]
    there = [os.path.realpath(name) for name in names if os.path.isdir(name)]
    packed = os.path.realpath(repository.folder / "packed-refs")
    common = os.path.dirname(there[0])
    present, absent = ([packed], []) if os.path.isfile(packed) else ([], ["packed-refs"])
    return (
        *(contents.tree(folder, {}) for folder in there),
        contents.files(common, [os.path.basename(each) for each in present], absent),
    )
