"""Lookup tables: shared under a name that what the model holds decides.

TensorFlow shares tables of one name. In place of a counter, or of the absolute path of a
vocabulary, the name is a digest of the whole model, and the table's number in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from artifactbuild.worker.canonical import Unknown
from artifactbuild.worker.canonical.savedmodel.saved import Saved, nodes

SHARED = "shared_name"
OWNER = "container"
TABLES = frozenset(
    {
        "HashTableV2",
        "MutableDenseHashTableV2",
        "MutableHashTableOfTensorsV2",
        "MutableHashTableV2",
    }
)
VARIABLE = "VarHandleOp"
"""A variable is shared under its own name, which nothing counts."""


def share(saved: Saved) -> None:
    """Name the tables anew, each wherever it is named."""
    tables = list(_tables(saved))
    names: dict[bytes, bytes] = {}
    for node in tables:
        old = node.attr[SHARED].s
        node.attr[SHARED].s = names.setdefault(old, f"table_{len(names)}".encode())
    content = saved.beside.encode() + saved.message.SerializeToString(deterministic=True)
    prefix = hashlib.sha256(content).hexdigest()[:16].encode()
    for node in tables:
        node.attr[SHARED].s = prefix + b"_" + node.attr[SHARED].s


def _tables(saved: Saved) -> Iterator[Any]:
    for node in nodes(saved):
        if OWNER in node.attr and node.attr[OWNER].s:
            raise Unknown(f"the container {node.attr[OWNER].s.decode()!r} of {node.op}")
        if node.op in TABLES:
            yield node
        elif SHARED in node.attr and node.attr[SHARED].s and node.op != VARIABLE:
            raise Unknown(f"the shared name {node.attr[SHARED].s.decode()!r} of {node.op}")
