"""Published artifacts for users: digests first, then what the artifact really is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from artifactbuild.release import environment, verify
from artifactbuild.release.record import Record
from artifactbuild.worker.formats import FORMATS
from artifactbuild.worker.formats.protocol import Loading


def load(
    path: Path,
    custom_objects: Mapping[str, Any] | None,
    weights_into: keras.Model | None,
    *,
    allow_lambda: bool,
) -> Any:
    """Return the artifact in a folder; see `artifactbuild.load`."""
    environment.hold_keras(keras.__version__, os.environ)
    made = verify.check(path)
    how = Loading(
        custom_objects=_both_spellings(made, custom_objects),
        into=weights_into,
        safe_mode=not allow_lambda,
    )
    return FORMATS[made.format].restore(path, made, how)


def _both_spellings(made: Record, given: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the mapping with each custom object under `Package>Name` and under `Name`."""
    if given is None:
        return None
    mapping = dict(given)
    for item in made.custom_objects:
        spellings = (item.name, item.name.split(">")[-1])
        found = next((given[name] for name in spellings if name in given), None)
        if found is not None:
            mapping |= dict.fromkeys(spellings, found)
    return mapping
