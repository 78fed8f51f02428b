"""One format, one module; this table is all there is to know of them."""

from __future__ import annotations

from collections.abc import Mapping

from artifactbuild.worker.formats import h5, keras, savedmodel, weights
from artifactbuild.worker.formats.protocol import Format

FORMATS: Mapping[str, Format] = {
    "savedmodel": savedmodel,
    "keras": keras,
    "h5": h5,
    "weights": weights,
}
