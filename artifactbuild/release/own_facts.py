"""Facts of this machine: when an artifact may state others than its lock.

The payload of a version never differs from its lock. What record, card and reference state may,
where something that is known explains it; the record must then agree with the files next to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from artifactbuild.release import environment, record, revisions
from artifactbuild.release.lock import Lock, Locked
from artifactbuild.release.record import Record

TEXTS = frozenset({"card", "metadata"})
"""The keys of the manifest that only records and cards tell."""


def are_explained(made: Record, found: Mapping[str, str], locked: Locked, lock: Lock) -> bool:
    """Tell whether something explains that an artifact's files are not those of its lock.

    `found` are the digests of its files. The built-in card lists the environment. Where the card is
    the lock's, the environment was, too, and a record that states another one was edited.
    """
    own_template = "card" in made.inputs.manifest
    other_card = own_template or found.get(record.CARD) != locked.files.get(record.CARD)
    other_outputs = found.get(record.REFERENCE) != locked.files.get(record.REFERENCE)
    other_record = found.get(record.FILE) != locked.files.get(record.FILE)
    elsewhere = bool(environment.drift(lock.environment, made.environment))
    if not other_record:
        return False
    if elsewhere and other_card:
        return True
    return locked.is_payload(found) and (
        other_outputs or _is_newer(made, lock) or _says_more(made, lock)
    )


def _is_newer(made: Record, lock: Lock) -> bool:
    recorded = lock.release.revisions if lock.release else {}
    return made.revision > recorded.get(revisions.METADATA, revisions.FIRST)


def _says_more(made: Record, lock: Lock) -> bool:
    """Tell whether a text was edited since a lock that does not keep the released texts."""
    before, now = lock.inputs.manifest, made.inputs.manifest
    return lock.release is None and any(before.get(key) != now.get(key) for key in TEXTS)
