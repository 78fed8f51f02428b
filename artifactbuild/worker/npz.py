"""Arrays by name to a `.npz` file, without pickled objects, by every NumPy in the same bytes.

`numpy.savez` has an argument `allow_pickle` since NumPy 2.2; an older one takes it for an array.
Python 3.10 writes the wide sizes of a member into the narrow fields, too: later ones do not.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_HEADER = struct.Struct("<4sHHHHHIIIHH")
_WIDE = struct.Struct("<HHQQ")
_VERSION = 45
"""Of the zip format: the first that has sizes of 64 bits."""


class _Member(zipfile.ZipInfo):
    """A member whose own header has its sizes in 64 bits alone, as Python writes it since 3.11."""

    def FileHeader(self, zip64: bool | None = None) -> bytes:  # noqa: N802, zipfile's name
        """Return the header in front of the member: all members are of 1980, and are stored."""
        del zip64
        name, full = self.filename.encode(), 0xFFFFFFFF
        flags = self.flag_bits if self.filename.isascii() else self.flag_bits | 0x800
        fixed = (b"PK\3\4", _VERSION, flags, zipfile.ZIP_STORED, 0, 0x21, self.CRC, full, full)
        wide = _WIDE.pack(1, _WIDE.size - 4, self.file_size, self.compress_size)
        return _HEADER.pack(*fixed, len(name), len(wide)) + name + wide


def write(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays in the order that they have; raises ValueError for one of Python objects."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            info = _Member(f"{name}.npy")
            info.create_version = info.extract_version = _VERSION
            with archive.open(info, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
