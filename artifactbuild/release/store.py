"""The store: published versions as folders, `<root>/<model>/<format>/<version>/`.

A version appears whole or not at all: it is staged inside the root, synced to disk, and renamed
without ever replacing. Where the filesystem refuses such a rename, the version's folder is claimed
by creating it, and the record is moved in last; a folder without a record is no version.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import digest, record

STAGING = ".staging"
FAILED = ".failed"
PROPOSED = ".proposed"
PUBLISHED, IDENTICAL = "published", "identical"

_AT_FDCWD = -100
_NOREPLACE = 1
_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY})
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV})


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An artifacts root."""

    root: Path

    def folder(self, model: str, format: str, version: str) -> Path:
        """Return where a version lies, published or not."""
        return self.root / model / format / version

    def is_published(self, model: str, format: str, version: str) -> bool:
        """Tell whether a version is there, whole."""
        return (self.folder(model, format, version) / record.FILE).is_file()

    def failed(self, model: str, version: str) -> Path:
        """Return where a build that failed leaves what it had."""
        return self.root / FAILED / model / version

    @contextmanager
    def staging(self, model: str, version: str) -> Iterator[Path]:
        """Give a fresh folder inside the root, for one build; it is gone afterwards."""
        parent = self.root / STAGING
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{model[:100]}-{version}-", dir=parent))
        except OSError as error:
            raise _unwritable(self.root, error) from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep_failed(self, staged: Path, model: str, version: str) -> Path:
        """Move what a failed build had staged to where it can be looked at."""
        return _moved(staged, self.failed(model, version))

    def keep_proposed(self, staged: Path, model: str) -> Path:
        """Move what a first manifest was proposed from to where it can be looked at."""
        return _moved(staged, self.root / PROPOSED / model)

    def publish(self, staged: Path, model: str, format: str, version: str) -> str:
        """Make a staged artifact a published version.

        Returns PUBLISHED, or IDENTICAL when the same bytes were there already.

        Raises:
            Refusal: when the version is there with other bytes; nothing is changed.
        """
        target = self.folder(model, format, version)
        _seal(staged)
        target.parent.mkdir(parents=True, exist_ok=True)
        if _renamed(staged, target) or _claimed(staged, target):
            _sync(target.parent)
            return PUBLISHED
        if digest.of_folder(staged) == digest.of_folder(target):
            return IDENTICAL
        raise Refusal(_differs(staged, target))

    def versions(self) -> Iterator[tuple[str, str, str]]:
        """Yield (model, format, version) of all that is published, sorted."""
        for path in sorted(self.root.glob(f"[!.]*/*/*/{record.FILE}")):
            model, format, version, _ = path.relative_to(self.root).parts
            yield model, format, version


def _moved(staged: Path, target: Path) -> Path:
    """Move a staged folder to a place that is only for people, in the stead of an older one."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(staged, target)
    return target


def _seal(staged: Path) -> None:
    """Make files read-only, with the same modes everywhere, and bring all of it to the disk."""
    for folder, _, names in os.walk(staged, topdown=False):
        for name in names:
            path = Path(folder, name)
            path.chmod(0o444)
            _sync(path)
        Path(folder).chmod(0o755)
        _sync(Path(folder))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _renamed(source: Path, target: Path) -> bool:
    """Rename without replacing, by `renameat2(2)`: a plain rename replaces an empty folder.

    False when the target exists, or where the call or the filesystem cannot do it.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    old, new = os.fsencode(source), os.fsencode(target)
    if libc.renameat2(_AT_FDCWD, old, _AT_FDCWD, new, _NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _TAKEN or code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(target))


def _claimed(source: Path, target: Path) -> bool:
    """Claim the target by creating it and move everything in, the record last."""
    try:
        target.mkdir()
    except FileExistsError:
        return False
    names = sorted(os.listdir(source), key=lambda name: (name == record.FILE, name))
    for name in names:
        os.rename(source / name, target / name)
        _sync(target)
    return True


def _differs(staged: Path, target: Path) -> Problem:
    new, old = digest.of_folder(staged), digest.of_folder(target)
    name = next(name for name in sorted({*new, *old}) if new.get(name) != old.get(name))
    return Problem(
        file=str(target),
        message=f"is published with other bytes: {name} is {old.get(name, 'not there')}, "
        f"this build made {new.get(name, 'none')}",
        hint="a published version never changes; give the model a new one: `artifactbuild bump`",
    )


def _unwritable(root: Path, error: OSError) -> Refusal:
    reason = os.strerror(error.errno or 0).lower()
    return Refusal(
        Problem(
            file=str(root),
            message=f"artifacts cannot be written here: {reason}",
            hint="name another folder with --artifacts or ARTIFACTBUILD_ARTIFACTS",
        )
    )
