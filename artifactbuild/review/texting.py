"""What changed in the manifest that only describes the model, to the line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from artifactbuild import plan
from artifactbuild.job import Job
from artifactbuild.manifest.text import Document, Where
from artifactbuild.release.record import Inputs

NAME = "text-changed"

METADATA, CARD = "metadata", "card"


def changed(work: Job, before: Inputs, now: Inputs) -> Iterator[tuple[Where, str]]:
    """Yield the place and the name of each text that differs from what was released.

    A lock that does not have the released texts knows only that some of them changed.
    """
    document, texts = work.loaded.document, plan.texts(before, now)
    for name in texts:
        if name == METADATA:
            yield from _of_metadata(document, _released(work))
        elif name == CARD:
            yield (CARD,), CARD
        elif CARD not in texts:  # a template that was exchanged for another is told by its key
            yield (CARD, "template"), name


def _of_metadata(document: Document, released: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    now = document.data.get(METADATA) or {}
    found = [*_differing(released, now, (METADATA,))] if released else []
    for where in found or [(METADATA,)]:
        yield where, ".".join(map(str, where))


def _released(work: Job) -> Mapping[str, Any]:
    release = getattr(work.memory, "release", None)
    found: Mapping[str, Any] = getattr(release, "metadata", None) or {}
    return found


def _differing(before: Mapping[str, Any], now: Mapping[str, Any], path: Where) -> Iterator[Where]:
    """Yield the deepest keys whose values are not as they were.

    What was released has more than the manifest said: what the model itself knew of its training.
    """
    for key, value in now.items():
        where, was = (*path, key), before.get(key)
        if isinstance(value, Mapping) and isinstance(was, Mapping):
            yield from _differing(was, value, where)
        elif (value or None) != (was or None):  # what is empty says as much as what is not there
            yield where
