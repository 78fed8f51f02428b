"""The questions of a `reference.npz`: its inputs, to the byte. Needs no NumPy."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

INPUTS = "/inputs/"
"""What stands between a case and an input in the name of an array."""


def of(file: Path | IO[bytes]) -> dict[str, bytes]:
    """Return the bytes of each reference input, by its name in the file.

    Raises:
        OSError: when it cannot be read, or is no archive.
    """
    try:
        with zipfile.ZipFile(file) as opened:
            return {name: opened.read(name) for name in opened.namelist() if INPUTS in name}
    except zipfile.BadZipFile as error:
        raise OSError(str(error)) from error
