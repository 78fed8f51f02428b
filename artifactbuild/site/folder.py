"""The folder of pages: written beside its place, then put there at once, over nothing but itself.

A marker in it lists every page with its digest, so that a folder of somebody else, or one that
somebody put a file into, is left alone.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from artifactbuild.data import dumps
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import digest

MARKER = ".artifactbuild-site.json"

_AT_FDCWD = -100
_EXCHANGE = 2


def write(pages: Mapping[str, bytes], folder: Path) -> bool:
    """Make `folder` hold these pages and nothing else; tell whether anything changed.

    Raises:
        Refusal: when the folder holds what this function did not write, or cannot be written.
    """
    target = Path(os.path.realpath(folder))
    before = _before(target, folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{target.name[:100]}.", dir=target.parent))
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        _fill(staged, pages)
        if before is not None and digest.of_folder(staged) == before:
            return False
        _put(staged, target)
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return True


def _before(target: Path, shown: Path) -> Mapping[str, str] | None:
    """Return the digests of what is there, None if nothing is."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return None
    if not target.is_dir():
        raise _foreign(shown, "is a file, expected a folder")
    found = digest.of_folder(target)
    ours = _marked(target / MARKER)
    if ours is None:
        raise _foreign(shown, "was not made by `artifactbuild site`")
    strange = sorted(name for name in found if name != MARKER and found[name] != ours.get(name))
    if strange:
        how = "was changed" if strange[0] in ours else "was put there"
        raise _foreign(
            shown, f"holds what `artifactbuild site` did not write: {strange[0]!r} {how}"
        )
    return found


def _marked(marker: Path) -> Mapping[str, str] | None:
    """Return the digests in a marker, None if it is none of ours."""
    try:
        files = json.loads(marker.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return files if isinstance(files, dict) else None


def _fill(staged: Path, pages: Mapping[str, bytes]) -> None:
    for name, content in pages.items():
        path = staged / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    marker = {"about": "made by `artifactbuild site`", "files": digest.of_folder(staged)}
    (staged / MARKER).write_text(dumps(marker), encoding="utf-8")
    for path in (staged, *staged.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _put(staged: Path, target: Path) -> None:
    """Put the new folder in the place of the old one, which is then the one beside it."""
    if not target.exists() or not any(target.iterdir()):
        os.replace(staged, target)
    elif not _exchanged(staged, target):
        aside = staged.with_name(f"{staged.name}.old")
        os.rename(target, aside)
        os.rename(staged, target)
        os.rename(aside, staged)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders at once, by `renameat2(2)`; False where it cannot be done."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    old, new = os.fsencode(one), os.fsencode(other)
    return bool(libc.renameat2(_AT_FDCWD, old, _AT_FDCWD, new, _EXCHANGE) == 0)


def _foreign(folder: Path, message: str) -> Refusal:
    hint = "name another folder with --output, or remove this one yourself"
    return Refusal(Problem(file=str(folder), message=message, hint=hint))


def _unwritable(folder: Path, error: OSError) -> Refusal:
    reason = os.strerror(error.errno or 0).lower()
    message = f"pages cannot be written here: {reason}"
    return Refusal(Problem(file=str(folder), message=message, hint="name another with --output"))
