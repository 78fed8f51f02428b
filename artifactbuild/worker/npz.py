"""Arrays by name to a `.npz` file, without pickled objects, by every NumPy in the same bytes.

`numpy.savez` has an argument `allow_pickle` since NumPy 2.2; an older one takes it for an array.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def write(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays in the order that they have; raises ValueError for one of Python objects."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
