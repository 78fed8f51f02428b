"""Where a repository is, and a git folder of ours in front of it that holds none of its settings.

A repository's own configuration can name programs in more ways than anybody can list (filters,
hooks, fsmonitor, promisor remotes, included files). So git never gets it: it gets a temporary git
folder with a configuration of ours, and links to the objects and refs. Taken over are settings
that say how objects are stored and files are written, each in a form that cannot name a program.
Alternates stay: `git clone --shared` needs them, and they only say where more objects are.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.git import running
from artifactbuild.problems import Problem, Refusal
from artifactbuild.reading import Unreadable, bounded

MARK = ".git"
BARE = "holds HEAD, objects and refs as a bare git repository does, and has no working tree"

_HEADS = (
    *("HEAD", "ORIG_HEAD", "FETCH_HEAD", "MERGE_HEAD", "REBASE_HEAD"),
    *("CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_HEAD", "AUTO_MERGE"),
)
_MOST = 1 << 20
"""Bytes of a small file in a git folder."""

_WORD = r"[A-Za-z0-9-]{1,32}"
_REF = r"\+?[\w./*@^+-]+(:[\w./*@+-]+)?"
_TAKEN = (
    (re.compile(r"extensions\.(objectformat|refstorage)"), re.compile(_WORD)),
    (
        re.compile(r"core\.(autocrlf|eol|filemode|ignorecase|precomposeunicode|symlinks)"),
        re.compile(_WORD),
    ),
    (re.compile(r"branch\.[^\n\0\"\\]+\.(remote|merge)", re.S), re.compile(_REF)),
    (re.compile(r"remote\.[^\n\0\"\\]+\.fetch", re.S), re.compile(_REF)),
)
"""Names and values that are taken over; names of branches and remotes serve `diff @{upstream}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository that can be asked: its working tree, and the git folder of ours.

    `settings` are the lines of its own configuration, which git never gets.
    """

    top: Path
    folder: Path
    index: Path
    settings: tuple[tuple[str, str], ...]

    def run(
        self,
        *arguments: str,
        inside: Path | None = None,
        variables: Mapping[str, str] | None = None,
        given: bytes = b"",
        patience: float | None = None,
    ) -> running.Answer:
        """Run one git command at the top of the working tree, or in a folder inside."""
        places = {"GIT_DIR": str(self.folder), "GIT_WORK_TREE": str(self.top)}
        known = {**places, **(variables or {})}
        return running.run(
            inside or self.top, *arguments, variables=known, given=given, patience=patience
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A working tree, its git folder, and the one that it shares with other working trees."""

    top: Path
    own: Path
    common: Path


@contextmanager
def opened(folder: Path) -> Iterator[Repository | None]:
    """Give the repository that a folder is in, None if it is in the working tree of none.

    Raises:
        Refusal: when git does not read the repository, or is not installed.
    """
    found = _found(Path(os.path.realpath(folder)))
    if found is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="artifactbuild-git-") as name:
        yield _laid(found, Path(name))


def _found(folder: Path) -> _Found | None:
    """Let git find the repository, which looks at who owns it, too."""
    if running.program() is None and _marked(folder) is None:
        return None
    arguments = ("rev-parse", "--absolute-git-dir")
    answer = running.run(folder, *arguments)
    if answer.code:
        if answer.reason.startswith("not a git repository (or any"):
            return None
        raise Refusal(_unread(folder, answer))
    own = Path(os.fsdecode(answer.out.removesuffix(b"\n")))
    top = next((each for each in (folder, *folder.parents) if _leads_to(each, own)), None)
    if top is None:
        top = _named_top(folder)
    return None if top is None else _Found(top=top, own=own, common=_common(own))


def _named_top(folder: Path) -> Path | None:
    """Return the top that belongs to GIT_DIR; without it, this git has found a bare repository."""
    if running.named("GIT_DIR") is None:
        raise Refusal(_bare(folder))
    shown = running.run(folder, "rev-parse", "--show-toplevel")
    return None if shown.code else Path(os.fsdecode(shown.out.removesuffix(b"\n")))


def _marked(folder: Path) -> Path | None:
    """Return the nearest folder upward that has `.git`."""
    return next((f for f in (folder, *folder.parents) if os.path.lexists(f / MARK)), None)


def _leads_to(folder: Path, own: Path) -> bool:
    """Tell whether a folder's `.git` is this git folder, or a file that names it."""
    mark = folder / MARK
    with suppress(OSError, Unreadable, ValueError):
        if mark.is_dir():
            return os.path.samefile(mark, own)
        text = os.fsdecode(bounded(mark, _MOST)).rstrip("\n")
        return os.path.samefile(folder / text.removeprefix("gitdir: "), own)
    return False


def _common(own: Path) -> Path:
    """Return the git folder that a linked working tree shares with the others."""
    with suppress(Unreadable):
        return own / os.fsdecode(bounded(own / "commondir", _MOST)).rstrip("\n")
    return own


def _unread(folder: Path, answer: running.Answer) -> Problem:
    """Say why git does not read the repository that it found."""
    if "safe.bareRepository" in answer.err:
        return _bare(Path(answer.reason.partition("'")[2].partition("' (")[0] or folder))
    if "safe.directory" in answer.err:
        owned = answer.reason.partition("'")[2].rpartition("'")[0] or str(folder)
        message = "belongs to another user, so git does not read it"
        command = f"git config --global --add safe.directory {shlex.quote(owned)}"
        return Problem(file=owned, message=message, hint=f"if you trust it, run `{command}`")
    message = f"git does not read this repository: {answer.reason}"
    return Problem(file=str(folder), message=message)


def _bare(folder: Path) -> Problem:
    top = _marked(folder)
    hint = (
        "a checkout has them in `.git`; without git, `artifactbuild diff BEFORE AFTER` compares "
        "manifests, locks or versions"
    )
    if top is not None:
        hint = f"run the command from the top of the checkout: `cd {shlex.quote(str(top))}`"
    return Problem(file=str(folder), message=BARE, hint=hint)


def _laid(found: _Found, folder: Path) -> Repository:
    """Lay a git folder out that has the objects and refs of a repository, and no setting of it."""
    settings = _settings(found.common / "config")
    for name in _HEADS:
        with suppress(Unreadable):
            (folder / name).write_bytes(bounded(found.own / name, _MOST))
    for name in ("objects", "refs", "reftable", "lfs"):
        if (found.common / name).is_dir():
            (folder / name).symlink_to(found.common / name)
    for name in ("packed-refs", "shallow"):
        if (found.common / name).is_file():
            (folder / name).symlink_to(found.common / name)
    (folder / "info").mkdir()
    for name in ("attributes", "exclude"):
        with suppress(Unreadable):
            (folder / "info" / name).write_bytes(bounded(found.common / "info" / name, _MOST))
    _lay_logs(found, folder / "logs")
    for shared in found.own.glob("sharedindex.*"):
        (folder / shared.name).symlink_to(shared)
    (folder / "config").write_text(_written(settings), encoding="utf-8")
    index = running.named("GIT_INDEX_FILE") or str(found.own / "index")
    return Repository(top=found.top, folder=folder, index=Path(index), settings=settings)


def _lay_logs(found: _Found, logs: Path) -> None:
    """Give what `main@{1}` and `HEAD@{yesterday}` are looked up in."""
    logs.mkdir()
    if (found.common / "logs" / "refs").is_dir():
        (logs / "refs").symlink_to(found.common / "logs" / "refs")
    if (found.own / "logs" / "HEAD").is_file():
        (logs / "HEAD").symlink_to(found.own / "logs" / "HEAD")


def _settings(config: Path) -> tuple[tuple[str, str], ...]:
    """Return the lines of a configuration file, as git parses them, without what it includes.

    Git runs outside of every repository for it, so that nothing in the file is in force.
    """
    arguments = ("config", "--file", str(config), "--no-includes", "--null", "--list")
    if not config.is_file():
        return ()
    answer = running.run(Path("/"), *arguments, variables={"GIT_DIR": os.devnull})
    if answer.code:
        raise running.refusal(config, arguments, answer)
    lines = os.fsdecode(answer.out).split("\0")
    pairs = (line.partition("\n")[::2] for line in lines if line)
    return tuple((name, value) for name, value in pairs)


def _written(settings: tuple[tuple[str, str], ...]) -> str:
    """Write the settings that are taken over as a configuration file."""
    lines = ["[core]", "\trepositoryformatversion = 1", "\tbare = false"]
    for name, value in settings:
        if any(key.fullmatch(name) and form.fullmatch(value) for key, form in _TAKEN):
            section, _, rest = name.partition(".")
            inner, _, key = rest.rpartition(".")
            head = f'[{section} "{inner}"]' if inner else f"[{section}]"
            lines += [head, f"\t{key} = {value}"]
    return "\n".join(lines) + "\n"
