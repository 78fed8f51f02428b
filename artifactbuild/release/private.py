"""Private copies: what was hashed is what is opened.

Loaders and parsers open by path, and several times. Whoever can write into a store could exchange a
file after it was hashed, or edit it while it is open; a copy that was written from the hashed bytes
closes both, also for what is mapped into memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from artifactbuild.release import record, verify
from artifactbuild.release.fault import Fault

ROOM = "set TMPDIR to a folder that has room for the artifact"


class Changed(Exception):
    """An artifact that is no longer what was read before, or that cannot be copied."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.fault = Fault(kind="changed", file="", message=message, hint=hint)


@contextmanager
def copy(folder: Path, sha256: str) -> Iterator[Path]:
    """Give a checked copy of an artifact whose record has this digest; it is removed afterwards.

    Raises:
        Changed: when the artifact is a different one by now, or there is no room for the copy.
    """
    with ExitStack() as held:
        try:
            scratch = tempfile.TemporaryDirectory(prefix="artifactbuild-verify-")
            into = Path(held.enter_context(scratch)).resolve()
            found = verify.hold(folder, carded=False, into=into)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise Changed(f"cannot be copied before it is opened: {why}", ROOM) from None
        if found.all_faults() or found.digests[record.FILE] != sha256:
            hint = "run the same command again when nobody writes into it"
            raise Changed("changed while it was verified", hint)
        yield into
