"""SavedModel folders without what is drawn at random: the fingerprint's uuid."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tensorflow.core.protobuf import fingerprint_pb2


def rewrite(folder: Path) -> None:
    """Give a SavedModel's fingerprint a uuid that comes from the files that it speaks of."""
    path = folder / "fingerprint.pb"
    fingerprint = fingerprint_pb2.FingerprintDef()
    fingerprint.ParseFromString(path.read_bytes())
    digest = hashlib.sha256()
    for name in ("saved_model.pb", "variables/variables.index"):
        digest.update((folder / name).read_bytes())
    fingerprint.uuid = str(int.from_bytes(digest.digest()[:8], "big"))
    path.write_bytes(fingerprint.SerializeToString(deterministic=True))
