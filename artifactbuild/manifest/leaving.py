"""The hint for formats that cannot be made: they are left out, as long as another one is left."""

from __future__ import annotations

from collections.abc import Collection

from artifactbuild.manifest.model import Manifest

NONE_LEFT = "no other format is left: change the model as this says, or name one that can hold it"


def leave_out(format: str) -> str:
    """Return the hint for one format among others."""
    return f"leave {format} out of `formats:`"


def way_out(format: str, refused: Collection[str], manifest: Manifest) -> str:
    """Return the hint for one of several refused formats: no manifest is without any."""
    left = {request.name for request in manifest.formats} - set(refused)
    return leave_out(format) if left else NONE_LEFT
