"""`fingerprint.pb`: TensorFlow's hashes of the other files, and a uuid that follows from them.

https://www.tensorflow.org/api_docs/python/tf/saved_model/experimental/Fingerprint
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from tensorflow.core.protobuf import fingerprint_pb2
from tensorflow.python.saved_model.fingerprinting_utils import write_fingerprint

FILE = "fingerprint.pb"

UUID = "uuid"
"""A field that TensorFlow has since 2.19."""


def write(folder: Path) -> None:
    """Let TensorFlow hash the files anew; for its random uuid put a digest of the hashes."""
    write_fingerprint(str(folder))
    path = folder / FILE
    fingerprint = fingerprint_pb2.FingerprintDef.FromString(path.read_bytes())
    if UUID in fingerprint.DESCRIPTOR.fields_by_name:
        fingerprint.ClearField(UUID)
        digest = hashlib.sha256(fingerprint.SerializeToString(deterministic=True)).digest()
        setattr(fingerprint, UUID, str(int.from_bytes(digest[:8], "big")))
    path.write_bytes(fingerprint.SerializeToString(deterministic=True))
