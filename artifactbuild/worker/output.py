"""What a worker prints, kept on the disk within bounds: the beginning and the end of it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType

KEPT_OF_EACH = 1 << 20
"""Bytes kept of the beginning and of the end."""


class Log:
    """A file of a worker's output: what comes first as it comes, what came last when it closes."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115, closed by `with`
        self._room = KEPT_OF_EACH
        self._end = bytearray()
        self._left_out = 0

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._trim()
        if self._left_out:
            self._write(f"\n… {self._left_out} bytes left out …\n".encode())
        self._write(bytes(self._end))
        self._file.close()

    def add(self, chunk: bytes) -> None:
        """Take what was printed next."""
        self._write(chunk[: self._room])
        self._end += chunk[self._room :]
        self._room -= min(self._room, len(chunk))
        if len(self._end) > 2 * KEPT_OF_EACH:
            self._trim()

    def _trim(self) -> None:
        extra = max(len(self._end) - KEPT_OF_EACH, 0)
        self._left_out += extra
        del self._end[:extra]

    def _write(self, chunk: bytes) -> None:
        """Write what the disk takes: a full one must not hide why a build failed."""
        with suppress(OSError):
            self._file.write(chunk)
