"""One format, one module; this table is all there is to know of them."""

from __future__ import annotations

from collections.abc import Mapping

from artifactbuild.worker.formats import (
    h5,
    keras,
    onnx,
    savedmodel,
    tflite,
    weights,
    weights_h5,
)
from artifactbuild.worker.formats.protocol import Format

FORMATS: Mapping[str, Format] = {
    "savedmodel": savedmodel,
    "keras": keras,
    "h5": h5,
    "weights": weights,
    "weights_h5": weights_h5,
    "tflite": tflite,
    "onnx": onnx,
}
