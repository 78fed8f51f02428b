"""`.npz` archives: plain arrays, never pickles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from artifactbuild.manifest import arrays
from artifactbuild.release.fault import Fault
from artifactbuild.worker.inspection import archive

ARRAY = re.compile(r"[^/]+(/[^/]+)*\.npy")
REFERENCE = re.compile(r"[^/]+/(inputs|eager|graph|signature:[^/]+)/.+\.npy")


def inspect(path: Path, file: str, expected: re.Pattern[str] = ARRAY) -> Iterator[Fault]:
    """Find members that are no arrays of plain numbers, truth values or fixed-width text."""
    found = list(archive.inspect(path, file, expected))
    yield from found
    if found:
        return
    try:
        headers = arrays.headers(path)
    except (arrays.Unreadable, OSError) as error:
        yield Fault(kind="npz-damaged", file=file, message=str(error))
        return
    for name, array in headers.items():
        if array.dtype in ("object", "structured"):
            message = "is pickled or structured: reading it would run code"
            yield Fault(kind="npz-pickle", file=file, at=name, message=message)
