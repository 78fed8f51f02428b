"""Published artifacts for users: digests first, then what the artifact really is.

Loaders open by path, and several times: Keras, HDF5, TensorFlow's checkpoints and its mapped TFLite
files are C++ that takes no descriptor. So what is opened is a private copy, written from the very
bytes that were hashed. It is removed after loading; a mapped file lives on until it is released.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import environment, identity, private, verify
from artifactbuild.release.identity import Expected
from artifactbuild.release.record import Record
from artifactbuild.worker.formats import FORMATS
from artifactbuild.worker.formats.protocol import Loading

LOG = logging.getLogger("artifactbuild")


def load(
    path: Path,
    custom_objects: Mapping[str, Any] | None,
    weights_into: keras.Model | None,
    *,
    allow_lambda: bool,
    expect: str | None,
) -> Any:
    """Return the artifact in a folder; see `artifactbuild.load`."""
    expected = identity.expected(expect) if expect is not None else None
    environment.hold_keras(keras.__version__, os.environ)
    with _private(path) as copy:
        made = _checked(path, copy, expected)
        LOG.info("loading %s from %s", identity.of(made), path)
        how = Loading(
            custom_objects=_both_spellings(made, custom_objects),
            into=weights_into,
            safe_mode=not allow_lambda,
        )
        return FORMATS[made.format].restore(copy, made, how)


@contextmanager
def _private(path: Path) -> Iterator[Path]:
    """Give an empty folder that no other user can open or write into."""
    try:
        folder = tempfile.mkdtemp(prefix="artifactbuild-load-")
    except OSError as error:
        raise _no_room(path, error) from None
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _checked(path: Path, copy: Path, expected: Expected | None) -> Record:
    try:
        return verify.check(path, copy, expected=expected)
    except OSError as error:
        raise _no_room(path, error) from None


def _no_room(path: Path, error: OSError) -> Refusal:
    reason = (error.strerror or str(error)).lower()
    message = f"cannot be copied into a private folder before it is loaded: {reason}"
    return Refusal(Problem(file=str(path), message=message, hint=private.ROOM))


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
