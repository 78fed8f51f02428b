"""The stages in order: a place, a rebuild in it, and a comparison with the lock."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from artifactbuild.job import shown
from artifactbuild.reproduction import compare
from artifactbuild.reproduction.conditions import Condition, lacking
from artifactbuild.reproduction.nouns import (
    DIFFERS,
    FAILED,
    IDENTICAL,
    NOT_LOCKED,
    SAME_PAYLOAD,
    UNAVAILABLE,
    Compared,
    Place,
    Released,
    Reproduction,
)
from artifactbuild.reproduction.place import lay
from artifactbuild.reproduction.rebuild import rebuild
from artifactbuild.worker.messages import Tell
from artifactbuild.worker.server import Server


def reproduce(
    released: Released,
    conditions: Sequence[Condition],
    server: Server,
    tell: Tell,
    *,
    keep: bool,
) -> Iterator[Reproduction]:
    """Make a released version again under each condition, and hold it against its lock."""
    root = Path(tempfile.mkdtemp(prefix="artifactbuild-again-"))
    earlier: list[Place] = []
    try:
        for condition in conditions:
            yield _reproduction(released, condition, root, earlier, server, tell, keep=keep)
    finally:
        if not keep:
            shutil.rmtree(root, ignore_errors=True)


def _reproduction(
    released: Released,
    condition: Condition,
    root: Path,
    earlier: list[Place],
    server: Server,
    tell: Tell,
    *,
    keep: bool,
) -> Reproduction:
    """Make one rebuild; its place joins the earlier ones, which later ones are shown beside."""
    blank = Reproduction(
        model=released.work.name,
        version=released.work.version,
        revision=released.revision,
        condition=condition.summary,
        outcome=UNAVAILABLE,
    )
    why_not = lacking(condition)
    if why_not:
        return replace(blank, note=why_not)
    tell(f"{blank.model} {blank.version} again: {condition.summary}")
    place = lay(released, root / condition.name, condition)
    rebuilt = rebuild(released, place, condition, tell)
    kept = shown(place.base) if keep else ""
    if rebuilt.lock is None:
        return replace(blank, outcome=FAILED, problems=rebuilt.problems, kept=kept)
    compared = compare.compare(released, rebuilt, earlier, server)
    earlier.append(place)
    return replace(
        blank,
        outcome=_outcome(compared),
        drift=compare.drift(released, rebuilt.lock),
        compared=compared,
        kept=kept,
    )


def _outcome(compared: Sequence[Compared]) -> str:
    """Return the worst of all outcomes."""
    found = {each.outcome for each in compared} - {NOT_LOCKED}
    return next((o for o in (DIFFERS, SAME_PAYLOAD) if o in found), IDENTICAL)
