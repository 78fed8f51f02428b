"""One disagreement of a manifest with its lock, its artifacts or git: the noun, made of a kind."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from artifactbuild.job import Job, shown
from artifactbuild.manifest import versions
from artifactbuild.problems import Problem
from artifactbuild.review.kinds import KINDS, REPAIR


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One disagreement: its name, the sentence and the command, and where in the manifest it is."""

    name: str
    sentence: str
    repair: str
    error: bool
    problem: Problem


def made(
    work: Job,
    name: str,
    where: tuple[Any, ...] = ("version",),
    *,
    what: str = "",
    folder: Path | None = None,
    there: str = "",
    endings: str = "",
    at: Literal["key", "value"] = "value",
) -> Drift:
    """Return a disagreement of a kind, in its words and with its repair."""
    kind = KINDS[name]
    words = {
        "what": what,
        "version": work.version,
        "manifest": work.loaded.document.file,
        "lock": work.lock_shown,
        "root": shown(work.store.root),
        "folder": shown(folder) if folder is not None else "",
        "endings": endings,
        "there": there,
        "next": _next(work),
    }
    sentence = kind.sentence.format(**words)
    repair = kind.repair.format(**{name: shlex.quote(word) for name, word in words.items()})
    if kind.repair == REPAIR:
        repair = work.repair
    problem = work.problem(where, f"{name}: {sentence}", f"`{repair}`", at=at)
    return Drift(name=name, sentence=sentence, repair=repair, error=kind.error, problem=problem)


def _next(work: Job) -> str:
    """Return the version that comes after the one in the lock, and that nobody has released."""
    found = versions.following(work.lock.version) if work.lock is not None else ""
    while found in work.history.taken:
        found = versions.following(found)
    return found
