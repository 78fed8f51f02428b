"""One case of each kind of file: damage it, run the verbs, bring it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from tests.fuzz import mutations
from tests.fuzz.ground import RICH, Ground, judge, put_record, restore, verbs

Draw = tuple[str, Any, int]
DRAWS = st.one_of(
    st.tuples(st.just("data"), mutations.CHANGES, st.integers(0, 17)),
    st.tuples(st.just("data"), mutations.CHANGES, st.integers(0, 17)),
    st.tuples(st.just("data"), mutations.CHANGES, st.integers(0, 17)),
    st.tuples(st.just("bytes"), mutations.BYTES, st.integers(0, 17)),
)


def manifest(at: Ground, draw: Draw) -> None:
    """Damage a manifest: every other time the one with every key."""
    base = RICH if draw[2] % 2 else at.manifest
    at.place.write_bytes(_damaged(base, draw))


def lock(at: Ground, draw: Draw) -> None:
    """Damage a lock."""
    at.place.with_suffix(".lock").write_bytes(_damaged(at.lock, draw))


def record(at: Ground, draw: Draw) -> None:
    """Damage a record; the lock names it, so that it is read."""
    put_record(at, _damaged(at.record, draw))


def card(at: Ground, draw: Draw) -> None:
    """Damage a card."""
    changes = [(kind, number, str(value).encode()) for kind, number, value in draw[1]]
    (at.folder / "MODEL_CARD.md").write_bytes(mutations.damaged(at.card, changes))


KINDS: Mapping[str, Callable[[Ground, Draw], None]] = {
    "manifests": manifest,
    "locks": lock,
    "records": record,
    "cards": card,
}


def try_case(at: Ground, kind: str, draw: Draw) -> None:
    """Damage one file, run every verb, bring it back."""
    try:
        KINDS[kind](at, draw)
        judge(verbs(draw[2]), at.project, draw[2])
    finally:
        restore(at)


def _damaged(base: Any, draw: Draw) -> bytes:
    way, changes, _ = draw
    if way == "bytes":
        return mutations.damaged(mutations.text_of(base), changes)
    return mutations.text_of(mutations.changed(base, changes))
