"""The message of `fingerprint.pb`: TensorFlow writes `uuid` since 2.19, and 2.18 reads it as well.

What a reader does not know is refused as hidden. So the message of 2.18 is completed here, and it
inspects and compares what a later one wrote.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import versions_pb2
from tensorflow.core.protobuf import fingerprint_pb2

UUID = "uuid"
NUMBER = 7
"""Of the field, since TensorFlow 2.19."""


def completed(file: Any, name: str) -> Any:
    """Return the class of a message of a file, with the field `uuid` if the file lacks it."""
    own = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(own)
    (message,) = (each for each in own.message_type if each.name == name)
    if any(field.name == UUID for field in message.field):
        return message_factory.GetMessageClass(file.message_types_by_name[name])
    text, optional = _FIELD.TYPE_STRING, _FIELD.LABEL_OPTIONAL
    message.field.add(name=UUID, number=NUMBER, type=text, label=optional)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(versions_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(own.SerializeToString())
    full = f"{own.package}.{name}"
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(full))


_FIELD = descriptor_pb2.FieldDescriptorProto

FingerprintDef = completed(fingerprint_pb2.DESCRIPTOR, "FingerprintDef")
"""What `fingerprint.pb` is, to the last field."""
