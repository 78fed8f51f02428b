"""The revisions of what writes artifacts: each counts the changes that gave other bytes.

A lock remembers the revisions that wrote its version. So a change of ours is never taken for a
change of the model. A revision is raised only where correctness demands other bytes of manifests
that there are; `CHANGELOG.md` says why.
"""

from __future__ import annotations

from collections.abc import Mapping

FIRST = 1
"""The revision of every writer before revisions were recorded."""

METADATA = "metadata"
"""What writes `metadata.json` and the built-in card."""

CURRENT: Mapping[str, int] = {
    METADATA: 1,
    "h5": 1,
    "keras": 1,
    "onnx": 2,
    "savedmodel": 1,
    "tflite": 2,
    "weights": 1,
    "weights_h5": 1,
}
"""The revision of each writer of this artifactbuild: the metadata's, and each format's.

- onnx 2, tflite 2: constants that depend on the processor are worked out before the conversion, and
  the ranges of int8 are settled. What has neither is written as by revision 1.
"""


def newer(writer: str, recorded: Mapping[str, int]) -> bool:
    """Tell whether a writer has changed its bytes since a lock recorded its revision."""
    return CURRENT.get(writer, FIRST) > recorded.get(writer, FIRST)
