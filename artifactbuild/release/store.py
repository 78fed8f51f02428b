"""The store: published versions as folders, `<root>/<model>/<format>/<version>/`.

A version appears whole or not at all: it is staged inside the root, synced to disk, and renamed
without ever replacing. Where the filesystem refuses such a rename, the version is claimed by a file
beside it and its record is moved in last; a folder without a record is no version.

Staging folders and claims are held by locks that end with their builder; what a dead one left is
cleared by the next build, what a living one holds is not touched.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import alive, aside, claim, digest, durable, measured, record
from artifactbuild.release.aside import Kept

STAGING = ".staging"
FAILED = ".failed"
PROPOSED = ".proposed"
ASIDE = ".damaged"
HIDDEN = (STAGING, FAILED, PROPOSED, ASIDE, measured.FOLDER)
PUBLISHED, IDENTICAL = "published", "identical"

_LIFE = "held"
_WORK = "work"
_DEAD = ".dead-"
"""How the name of a place begins that nobody holds; no model's name begins with a dot."""

_OVERTAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_SHORT = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An artifacts root."""

    root: Path

    def folder(self, model: str, format: str, version: str) -> Path:
        """Return where a version lies, published or not."""
        return self.root / model / format / version

    def is_published(self, model: str, format: str, version: str) -> bool:
        """Tell whether a version is there, whole."""
        return _is_version(self.folder(model, format, version))

    def has(self, model: str, format: str, version: str) -> bool:
        """Tell whether anything lies where a version would, unless a builder is moving it in."""
        folder = self.folder(model, format, version)
        try:
            folder.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True  # who reads it will say why it cannot be read
        return os.path.isfile(folder / record.FILE) or not claim.is_claimed(folder)

    def failed(self, model: str, version: str) -> Path:
        """Return where a build that failed leaves what it had."""
        return self.root / FAILED / model / version

    @contextmanager
    def staging(self, model: str, version: str) -> Iterator[Path]:
        """Give a fresh folder inside the root, for one build; it is gone afterwards.

        What dead builders left is cleared first.

        Raises:
            Refusal: when the root cannot be written.
        """
        parent = self.root / STAGING
        with ExitStack() as held:
            try:
                durable.make_folder(parent)
                self._clear_dead()
                place = _held_place(held, parent, f"{model[:100]}-{version}-")
            except OSError as error:
                raise self.refusal(error) from error
            try:
                yield place / _WORK
            finally:
                held.close()
                shutil.rmtree(place, ignore_errors=True)
                self._remove_renamed()

    def keep_failed(self, staged: Path, model: str, version: str) -> Path:
        """Move what a failed build had staged to where it can be looked at; return that."""
        return _kept(staged, self.failed(model, version))

    def keep_proposed(self, staged: Path, model: str) -> Path:
        """Move what a first manifest was proposed from to where it can be looked at."""
        return _kept(staged, self.root / PROPOSED / model)

    def forget_failed(self, staged: Path, model: str, version: str) -> None:
        """Discard what earlier builds of a version kept, now that one has succeeded."""
        target = self.failed(model, version)
        with suppress(OSError):
            _discard(target, staged.parent)
            target.parent.rmdir()
            target.parent.parent.rmdir()

    def refuse_obstacles(self, model: str, format: str, version: str) -> None:
        """Refuse early what would be refused when all is built.

        Raises:
            Refusal: when what lies where the version would is no version.
        """
        target = self.folder(model, format, version)
        for folder in (self.root, target.parent.parent, target.parent):
            if os.path.lexists(folder) and not folder.is_dir():
                raise self.refusal(NotADirectoryError(errno.ENOTDIR, "", str(folder)))
        claim.refuse_obstacle(target)

    def publish(self, staged: Path, model: str, format: str, version: str) -> str:
        """Make a sealed artifact (`durable.seal`) a published version.

        Returns PUBLISHED, or IDENTICAL when the same bytes were there already.

        Raises:
            Refusal: when the version is there with other bytes; nothing is changed.
            OSError: when the disk fails; the version is whole or not there.
        """
        target = self.folder(model, format, version)
        durable.make_folder(target.parent)
        while not durable.rename_new(staged, target):
            if _is_version(target):
                return self._same(staged, target)
            if claim.moved(staged, target):
                break
        self.settle(model, format, version)
        return PUBLISHED

    def replace(
        self, staged: Path, model: str, format: str, version: str, files: Mapping[str, str]
    ) -> Kept | None:
        """Publish a sealed artifact in place of a damaged version; return what is kept of that.

        `files` are the digests of the artifact. What was there is set aside as one before the
        artifact is published, so that no reader sees a part of either under the version's name. It
        goes when the artifact stands, but for the files that differ.

        Raises:
            Refusal: when another builder published other bytes meanwhile.
            OSError: when the disk fails; what was there is back, or set aside.
        """
        target = self.folder(model, format, version)
        old = None
        if os.path.lexists(target) and not aside.is_as(target, files):
            old = aside.moved(target, self.root / ASIDE / model / format / version)
        try:
            if old is not None:
                durable.sync(target.parent)
                durable.sync(old.parent)
            self.publish(staged, model, format, version)
        except BaseException:
            if old is not None:
                aside.back(old, target)
            raise
        return aside.stripped(old, files) if old is not None else None

    def settle(self, model: str, format: str, version: str) -> None:
        """Bring a version's name to the disk: whoever renamed it may have died before it could."""
        folder = self.folder(model, format, version)
        for each in (folder, folder.parent, folder.parent.parent, self.root):
            durable.sync(each)
        with suppress(PermissionError):
            durable.sync(self.root.parent)

    def versions(self, model: str = "[!.]*") -> Iterator[tuple[str, str, str]]:
        """Yield (model, format, version) of all that is published, or of one model, sorted."""
        for path in sorted(self.root.glob(f"{model}/*/*/{record.FILE}")):
            name, format, version, _ = path.relative_to(self.root).parts
            yield name, format, version

    def refusal(self, error: OSError) -> Refusal:
        """Say what a disk would not do, with what repairs it."""
        file = Path(os.fsdecode(error.filename)) if error.filename else self.root
        inside = file.is_relative_to(self.root)
        deed = "artifacts cannot be written here" if inside else "cannot be read or written"
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        hint = _way_out(error.errno, inside=inside)
        return Refusal(Problem(file=str(file), message=f"{deed}: {reason}", hint=hint))

    def shortage(self) -> tuple[Problem, ...]:
        """Say if the disk is full: libraries that write a payload tell of it in odd words."""
        try:
            free = os.statvfs(self.root)
        except OSError:
            return ()
        if free.f_bavail * free.f_frsize >= _SHORT and (free.f_favail or not free.f_files):
            return ()
        return self.refusal(OSError(errno.ENOSPC, "")).problems

    def _same(self, staged: Path, target: Path) -> str:
        if digest.of_folder(staged) != digest.of_folder(target):
            raise Refusal(_differs(staged, target))
        claim.forget(target)
        self.settle(*target.relative_to(self.root).parts)
        return IDENTICAL

    def _clear_dead(self) -> None:
        """Clear what dead builders left; of whom nothing is known is left alone.

        A place is renamed while it is held, so that nobody takes it for theirs, and removed when it
        is not: FUSE and NFS keep a file that is open, under another name, and its folder with it.
        """
        for place in sorted((self.root / STAGING).iterdir()):
            if not place.name.startswith(_DEAD):
                with suppress(OSError), alive.hold(place / _LIFE) as state:
                    if state == alive.OURS:
                        place.rename(place.with_name(f"{_DEAD}{secrets.token_hex(8)}"))
        self._remove_renamed()
        claim.clear_dead(self.root)

    def _remove_renamed(self) -> None:
        """Remove the places that were renamed; one that another still looks into goes next time."""
        for place in (self.root / STAGING).glob(f"{_DEAD}*"):
            shutil.rmtree(place, ignore_errors=True)


def _is_version(folder: Path) -> bool:
    return (folder / record.FILE).is_file()


def _held_place(held: ExitStack, parent: Path, prefix: str) -> Path:
    """Make a folder that is ours until `held` ends; a cleaner may be faster than our lock."""
    while True:
        place = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):
            if held.enter_context(alive.hold(place / _LIFE)) in (alive.OURS, alive.UNKNOWN):
                (place / _WORK).mkdir()
                return place


def _kept(staged: Path, target: Path) -> Path:
    """Move a staged folder to a place that is only for people, in the stead of an older one."""
    while True:
        durable.make_folder(target.parent)
        _discard(target, staged.parent)
        try:
            os.rename(staged, target)
        except OSError as error:
            if error.errno not in _OVERTAKEN or not staged.exists():
                raise
        else:
            return target


def _discard(folder: Path, place: Path) -> None:
    """Move a folder away into our own staging place, with which it goes.

    One of a lower layer (overlay) or another mount cannot be moved; it is removed where it is.
    """
    try:
        os.rename(folder, Path(tempfile.mkdtemp(prefix="old-", dir=place), folder.name))
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.rmtree(folder)


def _differs(staged: Path, target: Path) -> Problem:
    new, old = digest.of_folder(staged), digest.of_folder(target)
    name = next(name for name in sorted({*new, *old}) if new.get(name) != old.get(name))
    return Problem(
        file=str(target),
        message=f"is published with other bytes: {name} is {old.get(name, 'not there')}, "
        f"this build made {new.get(name, 'none')}",
        hint="a published version never changes; give the model a new one: `artifactbuild bump`",
    )


def _way_out(code: int | None, *, inside: bool) -> str:
    again = "run the same command again: what is published stays as it is"
    if code in _FULL:
        return f"make room, then {again}"
    if code == errno.EIO:
        return f"look after the disk, then {again}"
    return "name another folder with --artifacts or ARTIFACTBUILD_ARTIFACTS" if inside else ""
