"""Damage: the files of a published version that are not those that were published.

What a lock lists must be there to the byte. What no lock lists, and what states facts of its own,
must agree with its own record.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.problems import Refusal
from artifactbuild.reading import Unreadable
from artifactbuild.release import digest, identity, own_facts, record
from artifactbuild.release.digest import Hashed
from artifactbuild.release.fingerprint import ABSENT
from artifactbuild.release.lock import Lock, Locked
from artifactbuild.release.record import Record

MISSING, EXTRA, CHANGED, UNREADABLE = "missing", "extra", "changed", "unreadable"

_SHOWN = 20
"""How many files a sentence names."""

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
    stat.S_IFDIR: "a link to a folder",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One file that is not what was published.

    `file` is a POSIX path in the version's folder, empty for the folder itself. `why` is the reason
    why it cannot be read.
    """

    kind: str
    file: str
    why: str = ""

    def sentence(self) -> str:
        """Say what is wrong with the file."""
        if self.kind == UNREADABLE:
            return f"{self.file}: {self.why}" if self.file else self.why
        verb = {MISSING: "is missing", EXTRA: "was added", CHANGED: "changed"}[self.kind]
        return f"{self.file} {verb}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What lies in a version's folder: its record, where it can be read, and its files' digests.

    `faults` are what cannot be read, the record included.
    """

    made: Record | None
    files: Mapping[str, str]
    faults: tuple[Damage, ...]


def sentence(damage: tuple[Damage, ...]) -> str:
    """Say what is wrong with a version: every file, up to a bound."""
    rest = [f"and {len(damage) - _SHOWN} more files"] if len(damage) > _SHOWN else []
    return "; ".join([*(each.sentence() for each in damage[:_SHOWN]), *rest])


def look(
    folders: Mapping[str, Path], known: Mapping[Path, Hashed] | None = None
) -> dict[str, Found]:
    """Read the record of each version, and hash its files; what cannot be read is a fault.

    Files that are `known` are read only if they look otherwise by now.
    """
    listed = {key: _listed(folder) for key, folder in folders.items()}
    paths = [path for names, _ in listed.values() for path in names.values()]
    digests, errors = _digests(paths, known)
    found = {}
    for key, folder in folders.items():
        names, faults = listed[key]
        made, wrong = _record(folder) if record.FILE in names else (None, ())
        unread = [_unreadable(n, errors[p]) for n, p in names.items() if p in errors]
        # One fault for each file: that of the record says more than that it cannot be opened.
        each = {fault.file: fault for fault in (*faults, *unread, *wrong)}
        found[key] = Found(
            made=made,
            files={name: digests[names[name]] for name in sorted(names) if names[name] in digests},
            faults=tuple(each.values()),
        )
    return found


def files_of(folder: Path) -> dict[str, str]:
    """Return POSIX path -> sha256 of each file in a folder; `-` for what cannot be read."""
    names, faults = _listed(folder)
    digests, _ = _digests(list(names.values()), None)
    readable = {name: digests.get(path, ABSENT) for name, path in names.items()}
    return {**readable, **{fault.file: ABSENT for fault in faults}}


def of(
    folder: Path,
    found: Found,
    locked: Locked | None,
    lock: Lock | None,
    template: Path | None = None,
) -> tuple[Damage, ...]:
    """Return the damage of a version, sorted by file; `locked` is what its lock says of it.

    `template` is the project's own for cards, which may have changed since the release.
    """
    made = found.made
    beside: tuple[Damage, ...] = ()
    if made is not None and _states_its_own(found, locked, lock):
        expected = {name: file.sha256 for name, file in made.files.items()}
        expected |= {name: found.files.get(name, "") for name in (record.FILE, record.CARD)}
        beside = tuple(_disagreeing(folder, found, made))
    else:
        expected = dict(locked.files) if locked is not None else {record.FILE: ""}
        if template is not None and _has_newer_card(folder, found, expected, template):
            expected[record.CARD] = found.files[record.CARD]
    named = {fault.file: fault for fault in found.faults}
    if "" in named:
        return (named[""],)
    for each in (*_compared(expected, found.files), *beside):
        named.setdefault(each.file, each)
    return tuple(named[name] for name in sorted(named))


def _states_its_own(found: Found, locked: Locked | None, lock: Lock | None) -> bool:
    """Tell whether a version is to be held against its own record: the lock has other facts."""
    if locked is None or lock is None:
        return True
    assert found.made is not None
    return own_facts.are_explained(found.made, found.files, locked, lock)


def _has_newer_card(
    folder: Path, found: Found, expected: Mapping[str, str], template: Path
) -> bool:
    """Tell whether a card differs from the lock's as the template of the project does."""
    own = found.files.get(record.CARD, ABSENT)
    same = found.files.get(record.FILE) == expected.get(record.FILE)
    if own in (ABSENT, expected.get(record.CARD)) or not same:
        return False
    from artifactbuild.release import card  # Jinja takes longer than all the rest

    try:
        text = card.render_file(folder / record.FILE, template)
    except (Refusal, OSError):
        return False
    return digest.of_bytes(text.encode()) == own


def _disagreeing(folder: Path, found: Found, made: Record) -> Iterator[Damage]:
    """Compare a record with the place where it lies, and with the card that was made from it."""
    misplaced = [*identity.misplaced(folder, made, (folder.parents[2],))]
    if misplaced:
        yield Damage(kind=UNREADABLE, file=record.FILE, why=misplaced[0].message)
    elif record.CARD in found.files:
        from artifactbuild.release import verify  # cards: Jinja takes longer than the rest

        try:
            wrong = verify.card_faults(folder, made)
        except Unreadable:  # it went since it was hashed
            return
        if wrong:
            yield Damage(
                kind=UNREADABLE, file=record.FILE, why=f"does not agree with {record.CARD}"
            )


def _compared(expected: Mapping[str, str], found: Mapping[str, str]) -> Iterator[Damage]:
    for name in sorted({*expected, *found}):
        if name not in found or not expected.get(name, "-"):
            yield Damage(kind=MISSING, file=name)
        elif name not in expected:
            yield Damage(kind=EXTRA, file=name)
        elif found[name] != expected[name]:
            yield Damage(kind=CHANGED, file=name)


def _listed(folder: Path) -> tuple[dict[str, Path], tuple[Damage, ...]]:
    """List a folder's files by their POSIX paths; what is neither file nor folder is a fault."""
    try:
        is_folder = folder.is_dir()
    except OSError as error:
        return {}, (_unreadable("", error),)
    if not is_folder:
        what = "a link that leads nowhere" if folder.is_symlink() else "a file"
        return {}, (Damage(kind=UNREADABLE, file="", why=f"is {what}, expected a folder"),)
    names: dict[str, Path] = {}
    faults: list[Damage] = []

    def failed(error: OSError) -> None:
        inside = Path(os.fsdecode(error.filename)).relative_to(folder).as_posix()
        faults.append(_unreadable("" if inside == "." else inside, error))

    for place, inner, files in os.walk(folder, onerror=failed):
        links = [name for name in inner if os.path.islink(os.path.join(place, name))]
        for path in (Path(place, name) for name in (*files, *links)):
            name = path.relative_to(folder).as_posix()
            if why := _not_a_file(path):
                faults.append(Damage(kind=UNREADABLE, file=name, why=why))
            else:
                names[name] = path
    return names, tuple(faults)


def _not_a_file(path: Path) -> str:
    """Say what a path is that is not a regular file, or a link to one; empty if it is one."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return "is a link that leads nowhere" if path.is_symlink() else _reason(error)
    return "" if stat.S_ISREG(mode) else f"is {_KINDS.get(stat.S_IFMT(mode), 'no file')}"


def _digests(
    paths: list[Path], known: Mapping[Path, Hashed] | None
) -> tuple[dict[Path, str], dict[Path, OSError]]:
    """Hash files all at once; where one cannot be read, each by itself."""
    try:
        return digest.of_files(paths, known), {}
    except OSError:
        digests: dict[Path, str] = {}
        errors: dict[Path, OSError] = {}
        for path in paths:
            try:
                digests |= digest.of_files([path], known)
            except OSError as error:
                errors[path] = error
        return digests, errors


def _record(folder: Path) -> tuple[Record | None, tuple[Damage, ...]]:
    try:
        return record.read(folder), ()
    except Refusal as refusal:
        why = refusal.problems[0].message
        return None, (Damage(kind=UNREADABLE, file=record.FILE, why=why),)


def _unreadable(name: str, error: OSError) -> Damage:
    return Damage(kind=UNREADABLE, file=name, why=_reason(error))


def _reason(error: OSError) -> str:
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
