"""Publishing where no rename refuses to replace (FUSE, NFS): a claim, and the record last.

The claim is the file `.<version>.claim` beside the version, made by whoever is first and held by a
lock while its files move in. With the record the version is published and the claim is gone; a
claim without a holder is of a builder that died, and is cleared with what it had moved.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path

from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import alive, durable, record

PATIENCE = 30.0
"""Seconds to wait for another builder that has a version claimed: it only has to move files."""

_PAUSE = 0.05


def moved(source: Path, target: Path) -> bool:
    """Claim a version and move everything in, the record last.

    False when another builder published it meanwhile.

    Raises:
        Refusal: when something else lies there, or another builder does not come to an end.
    """
    file = file_of(target)
    deadline = time.monotonic() + PATIENCE
    while not _is_version(target):
        refuse_obstacle(target)
        if _moved(source, target, file):
            return True
        if _clear(file) != alive.OURS:
            _wait(file, target, deadline)
    return False


def refuse_obstacle(target: Path) -> None:
    """Refuse what lies where a version would and is neither version nor claimed."""
    if os.path.lexists(target) and not file_of(target).exists() and not _is_version(target):
        raise Refusal(
            Problem(
                file=str(target),
                message="is in the way: it has no record, so it is no version",
                hint="look at it, then remove it or move it elsewhere",
            )
        )


def is_claimed(target: Path) -> bool:
    """Tell whether a builder has claimed a version, or died while it had."""
    return os.path.lexists(file_of(target))


def forget(target: Path) -> None:
    """Remove the claim on a version that is published: nothing is left to be done under it."""
    file_of(target).unlink(missing_ok=True)


def clear_dead(root: Path) -> None:
    """Clear every claim under a store's root whose builder is dead."""
    for file in sorted(root.glob("[!.]*/*/.*.claim")):
        with suppress(OSError):
            _clear(file)


def _moved(source: Path, target: Path, file: Path) -> bool:
    """Move everything in under a claim of our own; False when the claim is another's."""
    try:
        with alive.hold(file, os.O_CREAT | os.O_EXCL) as state:
            if state not in (alive.OURS, alive.UNKNOWN):
                return False
            _begin(target, file)
            try:
                target.chmod(0o755)
                durable.move_into(source, target, record.FILE)
            finally:
                _undo(target)
                file.unlink(missing_ok=True)
    except FileExistsError:
        return False
    return True


def _begin(target: Path, file: Path) -> None:
    """Make the version's folder once the claim is on the disk; what is there already stays."""
    try:
        file.write_text(f"process {os.getpid()} on {socket.gethostname()}\n")
        durable.sync(file.parent)
        target.mkdir()
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _clear(file: Path) -> str:
    """Clear a claim and what was moved under it if its builder is dead; tell whose it is."""
    try:
        with alive.hold(file, 0) as state:
            if state == alive.OURS:
                _undo(file.with_name(file.name[1:].removesuffix(".claim")))
                file.unlink(missing_ok=True)
            return state
    except FileNotFoundError:
        return alive.OURS


def _undo(target: Path) -> None:
    """Remove what was moved in if the record was not; the caller holds the claim."""
    if not _is_version(target):
        with suppress(FileNotFoundError):
            shutil.rmtree(target)


def _wait(file: Path, target: Path, deadline: float) -> None:
    if time.monotonic() < deadline:
        time.sleep(_PAUSE)
        return
    with suppress(OSError), alive.hold(file, 0) as state:
        who = file.read_text().strip() or "another builder"
        message = f"is claimed by {who}, which has not published it in {PATIENCE:g} s"
        hint = "run the same command again when that build has ended"
        if state == alive.UNKNOWN:
            hint += f"; if there is none, remove {file} and {target}"
        raise Refusal(Problem(file=str(target), message=message, hint=hint))


def file_of(target: Path) -> Path:
    """Return the file by which a builder claims a version."""
    return target.with_name(f".{target.name}.claim")


def _is_version(folder: Path) -> bool:
    return (folder / record.FILE).is_file()
