"""`fingerprint.pb`: its uuid follows from its hashes, if TensorFlow writes one at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool
from tensorflow.core.framework import versions_pb2
from tensorflow.core.protobuf import fingerprint_pb2

from artifactbuild.worker import fingerprints
from artifactbuild.worker.canonical.savedmodel import fingerprint
from artifactbuild.worker.inspection.fields import hidden
from tests.release import kept

KEPT = kept.RECORDS / kept.CURRENT / "published" / "savedmodel" / "v1" / "fingerprint.pb"


def test_two_times_give_the_same_bytes(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(KEPT.parent, tmp_path / "savedmodel"))
    found = set()
    for _ in range(2):
        fingerprint.write(folder)
        found.add((folder / fingerprint.FILE).read_bytes())
    assert len(found) == 1


def test_message_of_tensorflow_2_18_is_completed() -> None:
    """It has no `uuid`, and reads what later ones wrote."""
    file = descriptor_pb2.FileDescriptorProto()
    fingerprint_pb2.DESCRIPTOR.CopyToProto(file)
    fields = file.message_type[0].field
    for field in [each for each in fields if each.name == fingerprints.UUID]:
        fields.remove(field)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(versions_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    old = pool.FindFileByName(file.name)
    assert fingerprints.UUID not in old.message_types_by_name["FingerprintDef"].fields_by_name
    raw = KEPT.read_bytes()
    message = fingerprints.completed(old, "FingerprintDef").FromString(raw)
    assert message.uuid.isdecimal()
    assert hidden(message, len(raw)) == ""
    assert message.SerializeToString(deterministic=True) == raw
