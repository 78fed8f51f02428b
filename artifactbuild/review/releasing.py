"""Versions that were not released here: are they new, and do they come next?"""

from __future__ import annotations

from collections.abc import Iterator

from artifactbuild.job import Job
from artifactbuild.manifest import versions
from artifactbuild.review.disagreement import Drift, made


def unreleased(work: Job) -> Iterator[Drift]:
    """Tell of a version that the lock does not have: is it new, and does it come next?"""
    lost = next((each for each in work.elsewhere if not each.changes), None)
    if work.reused is not None:
        changes = "; ".join(work.reused.changes)
        what = f"{work.reused.released.by} from other inputs ({changes})"
        yield made(work, "version-reused", what=what)
    elif lost is not None:
        yield made(work, "lock-lost", what=lost.released.by, there=lost.released.there)
    else:
        name = "not-locked" if work.lock is None else "lock-stale"
        yield made(work, name, what=work.lock.version if work.lock else "")
    if work.lock is not None and work.reused is None:
        yield from _order(work, work.lock.version)


def _order(work: Job, before: str) -> Iterator[Drift]:
    """Hold a version against the one that was released last."""
    if versions.scheme(before) not in (None, versions.scheme(work.version)):
        yield made(work, "version-scheme", what=before)
    elif versions.is_lower(work.version, before):
        yield made(work, "version-lower", what=before)
