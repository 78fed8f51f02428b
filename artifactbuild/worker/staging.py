"""The folder in which a builder writes its formats: shut until the factory has returned."""

from __future__ import annotations

from pathlib import Path

from artifactbuild.worker import confining
from artifactbuild.worker.blame import Stopped
from artifactbuild.worker.messages import BuildRequest, Finding


def open_for(request: BuildRequest) -> None:
    """Let the formats be written from now on.

    Raises:
        Stopped: when the factory has put something there.
    """
    found = sorted(
        path.relative_to(request.staging).as_posix()
        for format in request.formats
        for path in Path(request.staging, format).rglob("*")
    )
    if found:
        message = f"the factory writes {found[0]} in the folder of an artifact"
        raise Stopped(Finding(path=("factory",), message=message, hint=confining.CURE))
    guard = confining.guard()
    if guard is not None:
        guard.open_staging()
