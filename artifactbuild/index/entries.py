"""The file of an index, and the looks that it holds.

After a first line with version and checksum come entries, separated by two NULs, their fields by
one: no path has any, and no field is empty. An interpreter alone takes half as long as a command
that finds nothing changed, so nothing is imported here that is not needed for that: neither `json`
nor `re`, dataclasses or `typing`.
"""

from __future__ import annotations

import os
import stat
import zlib

from artifactbuild.index.location import is_private, prepare
from artifactbuild.release.fingerprint import ENVIRONMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = 3
MAX_BYTES = 1 << 26
"""How large an index may be; a thousand manifests of 38 files need a twentieth of it."""

VERBS = ("build", "check", "plan")

Look = tuple[int, int, int, int, int]
"""Size, times of content and inode in nanoseconds, inode, mode."""

_NUL = "\0"
_IN_ROOT, _IN_PROJECT = "@", "%"
_WHOLE, _NAMED = "whole", "named"
MORE = "-"
"""What a verb says that has more to do than to say it."""


class Part:
    """Files and folders that lie together, how they looked, and one digest of what they held.

    `names` are relative to `folder`, which `Place.written` wrote. A `whole` folder was watched with
    all that is in it.
    """

    __slots__ = ("folder", "holds", "look", "names", "whole")

    def __init__(self, folder: str, names: list[str], whole: bool, look: str, holds: str) -> None:
        self.folder = folder
        self.names = names
        self.whole = whole
        self.look = look
        self.holds = holds


class Entry:
    """What was answered of one manifest: for whom, what verbs said, the whole, where it came from.

    `said` has a text for each of VERBS, or MORE.
    """

    __slots__ = ("answer", "asked", "model", "parts", "said")

    def __init__(
        self, asked: str, model: str, said: list[str], answer: str, parts: list[Part]
    ) -> None:
        self.asked = asked
        self.model = model
        self.said = said
        self.answer = answer
        self.parts = parts


class Place:
    """Where manifests are asked about: their project, the root, and the current folder."""

    __slots__ = ("_own", "asked", "project", "root")

    def __init__(self, project: str, root: str, here: str) -> None:
        self.project = project
        self.root = root
        self._own = os.path.relpath(project, root)
        own = [self._own, os.path.relpath(here, root)]
        inside = f"{project}/".startswith(f"{here}/") and f"{root}/".startswith(f"{here}/")
        # Where all lies below the current folder, what is said has no absolute path, and holds
        # where everything has moved to.
        self.asked = "\n".join(own if inside else [*own, root])

    def key(self, manifest: str) -> str:
        """Return the name that the index of the root has for a manifest of the project."""
        return self._own + manifest[len(self.project) :]

    def written(self, folder: str) -> str:
        """Write a folder as the index has it, so that it holds where the project moved to."""
        if f"{folder}/".startswith(f"{self.root}/"):
            return _IN_ROOT + folder[len(self.root) :]
        if f"{folder}/".startswith(f"{self.project}/"):
            return _IN_PROJECT + folder[len(self.project) :]
        return folder

    def path(self, written: str) -> str:
        """Return the absolute path of a folder."""
        if written[0] == _IN_ROOT:
            return self.root + written[1:]
        if written[0] == _IN_PROJECT:
            return self.project + written[1:]
        return written

    def stands(self, entry: Entry) -> bool:
        """Tell whether an entry was written for this place, and all looks as it did."""
        if entry.asked != self.asked:
            return False
        try:
            for part in entry.parts:
                if number(looks(self.path(part.folder), part.names)) != part.look:
                    return False
        except OSError:  # whoever reads it in full will say what cannot be read
            return False
        return True


def looks(folder: str, names: Iterable[str]) -> list[Look | None]:
    """Return how files and folders look, or what variables hold; None for what is not there."""
    found: list[Look | None] = []
    if folder == ENVIRONMENT:
        return [_held(os.environ.get(name)) for name in names]
    for name in names:
        try:
            seen = os.stat(f"{folder}/{name}")
        except (FileNotFoundError, NotADirectoryError):
            found.append(None)
        else:
            times = seen.st_mtime_ns, seen.st_ctime_ns
            found.append((seen.st_size, *times, seen.st_ino, seen.st_mode))
    return found


def _held(value: str | None) -> Look | None:
    """Return what a variable holds in the form of a look, without a time."""
    if value is None:
        return None
    # Python's hash of a text is another one in each process, that of a number is not.
    return (int.from_bytes(os.fsencode(value), "big"), 0, 0, len(value), 0)


def number(found: list[Look | None]) -> str:
    """Return one number of 64 bits for looks: Python's own hash, the same in every process."""
    return str(hash(tuple([each or () for each in found])))


def read(path: str | None, made_by: str) -> dict[str, str]:
    """Return the entries of an index as written, by key.

    There are none if it is damaged, of another version or of another environment, if it is not a
    file of the user alone, or if it is too large.
    """
    if path is None:
        return {}
    try:
        head, _, body = _content(path).partition(b"\n")
        if head != _header(body):
            return {}
        own, *entries = body.decode("utf-8", "surrogatepass").split(_NUL + _NUL)
    except (OSError, ValueError):
        return {}
    return {each.partition(_NUL)[0]: each for each in entries} if own == made_by else {}


def _content(path: str) -> bytes:
    """Return what a regular file of the user alone holds, empty for anything else.

    A link is not followed, a pipe would wait for its writer, and a device has no end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        own = is_private(found) and is_private(os.lstat(os.path.dirname(path)))
        if not own or not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            return b""
        blocks = [os.read(descriptor, found.st_size)]
        while blocks[-1] and sum(map(len, blocks)) < found.st_size:
            blocks.append(os.read(descriptor, found.st_size))
        return b"".join(blocks)
    finally:
        os.close(descriptor)


def write(path: str, made_by: str, entries: Iterable[str]) -> None:
    """Write an index, whole or not at all."""
    body = (_NUL + _NUL).join([made_by, *entries]).encode("utf-8", "surrogatepass")
    if len(body) >= MAX_BYTES or not prepare(path):
        return
    temporary = temporary_beside(path)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(_header(body) + b"\n" + body)
        os.replace(temporary, path)
    except OSError:
        remove(temporary)


def temporary_beside(path: str) -> str:
    """Return a name beside a path that nobody else takes."""
    return f"{path}.{os.urandom(6).hex()}"


def remove(path: str) -> None:
    """Remove a file, if it is there and can be removed."""
    from contextlib import suppress  # not for those who only read

    with suppress(OSError):
        os.remove(path)


def text(key: str, entry: Entry) -> str:
    """Return an entry as it is written; raises ValueError where a field cannot be."""
    fields = [key, entry.asked, entry.model, *entry.said, entry.answer]
    for part in entry.parts:
        kind = _WHOLE if part.whole else _NAMED
        fields += [part.folder, kind, part.look, part.holds, str(len(part.names)), *part.names]
    if not all(fields) or any(_NUL in field for field in fields):
        raise ValueError("a field is empty, or has a NUL")
    return _NUL.join(fields)


def parsed(text: str) -> Entry | None:
    """Return the entry that was written; None where it is none, or watches nothing."""
    fields = text.split(_NUL)
    head = 4 + len(VERBS)
    said, parts, at = fields[3 : head - 1], [], head
    while at < len(fields):
        folder, kind, look, holds, names = [*fields[at : at + 5], "", "", "", "", ""][:5]
        count = int(names) if names.isascii() and names.isdecimal() and len(names) < 9 else 0
        start, at = at + 5, at + 5 + count
        if kind not in (_WHOLE, _NAMED) or not count or at > len(fields):
            return None
        parts.append(Part(folder, fields[start:at], kind == _WHOLE, look, holds))
    if not parts or not all(fields) or not all(map(_is_plain, said)):
        return None
    return Entry(fields[1], fields[2], said, fields[head - 1], parts)


def _is_plain(text: str) -> bool:
    """Tell whether lines have nothing in them that a terminal obeys."""
    return text.replace("\n", "").isprintable()


def _header(body: bytes) -> bytes:
    """Return the first line: what this is, which version, and a sum of what follows."""
    return b"artifactbuild index %d %08x" % (VERSION, zlib.crc32(body))
