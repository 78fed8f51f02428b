"""Protocol buffers: nothing in the file but what this reader knows."""

from __future__ import annotations

from typing import Any


def hidden(message: Any, size: int) -> str:
    """Return why a file of so many bytes is more than the message parsed of it; empty if not."""
    if message.ByteSize() != size:
        return f"has {size} bytes, and its fields take {message.ByteSize()}: a field is there twice"
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    if known.ByteSize() != size:
        return "has fields that this reader does not know: other programs may read them"
    return ""
