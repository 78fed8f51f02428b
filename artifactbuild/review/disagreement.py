"""One disagreement of a manifest with its lock, its artifacts or git: the noun, made of a kind."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from artifactbuild import acceptance
from artifactbuild.data import LATER
from artifactbuild.job import Job, shown
from artifactbuild.manifest import versions
from artifactbuild.problems import Problem
from artifactbuild.review import sharing
from artifactbuild.review.kinds import KINDS, RELOCK, REPAIR
from artifactbuild.review.sharing import Shared


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One disagreement: its name, the sentence and the command, and where in the manifest it is.

    It is `shared` if other manifests may have it by the same cause.
    """

    name: str
    sentence: str
    repair: str
    error: bool
    problem: Problem
    shared: Shared | None = field(default=None, metadata=LATER)


def made(
    work: Job,
    name: str,
    where: tuple[Any, ...] = ("version",),
    *,
    what: str = "",
    folder: Path | None = None,
    there: str = "",
    endings: str = "",
    hint: str = "",
    at: Literal["key", "value"] = "value",
    causes: Sequence[str] = (),
    file: str = "",
) -> Drift:
    """Return a disagreement of a kind, in its words and with its repair.

    Others may have it by the same `causes`, which lie in a `file` if not in a manifest.
    """
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
    quoted = {name: shlex.quote(word) for name, word in words.items()}
    repair = work.repair if kind.repair == REPAIR else kind.repair.format(**quoted)
    hint = hint or f"`{repair}`"
    if kind.relock and acceptance.is_open(work):
        repair, bump = RELOCK.format(**quoted), repair
        hint = f"`{repair}` if the model is still the same, else `{bump}`"
    return Drift(
        name=name,
        sentence=sentence,
        repair=repair,
        error=kind.error,
        problem=work.problem(where, f"{name}: {sentence}", hint, at=at),
        shared=sharing.shared(work, name, sentence, causes, file) if causes else None,
    )


def _next(work: Job) -> str:
    """Return the version that comes after the one in the lock, and that nobody has released."""
    if work.lock is None or not versions.is_version(work.lock.version):
        return ""  # a lock may say anything
    found = versions.following(work.lock.version)
    while found in work.history.taken:
        found = versions.following(found)
    return found
