"""`fingerprint.pb`: TensorFlow's hashes of the other files, and a uuid that follows from them.

https://www.tensorflow.org/api_docs/python/tf/saved_model/experimental/Fingerprint
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from tensorflow.python.saved_model.fingerprinting_utils import write_fingerprint

from artifactbuild.worker.fingerprints import FingerprintDef

FILE = "fingerprint.pb"


def write(folder: Path) -> None:
    """Let TensorFlow hash the files again; replace its random uuid by a digest of the hashes.

    TensorFlow 2.18 writes no uuid.
    """
    write_fingerprint(str(folder))
    path = folder / FILE
    fingerprint = FingerprintDef.FromString(path.read_bytes())
    if fingerprint.uuid:
        fingerprint.ClearField("uuid")
        digest = hashlib.sha256(fingerprint.SerializeToString(deterministic=True)).digest()
        fingerprint.uuid = str(int.from_bytes(digest[:8], "big"))
    path.write_bytes(fingerprint.SerializeToString(deterministic=True))
