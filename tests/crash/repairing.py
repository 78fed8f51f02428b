"""A fault at every system call of a repair, and what it left: see `injection`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from artifactbuild.release.store import ASIDE, Store
from tests.crash import injection, publisher
from tests.crash.injection import REFUSE_RENAME, Call, Trial, whole

MINE = b"what the owner added"
LOST, CHANGED, ADDED = "model.keras", "variables/data", "mine.txt"


def damaged_store(place: Path) -> Path:
    """Make a store with a whole version, and one that lost, changed and got a file."""
    root = injection.fresh_store(place)
    publisher.store(root, "v1", "one")
    folder = _version(root, "v1")
    (folder / LOST).unlink()
    (folder / CHANGED).unlink()
    (folder / CHANGED).write_bytes(MINE)
    (folder / ADDED).write_bytes(MINE)
    return root


def trials(
    place: Path, chosen: list[tuple[Call, str]], *, by_claim: bool = False
) -> Iterator[Trial]:
    """Try each fault at its call in a store of its own."""
    for call, fault in chosen:
        if by_claim and call.name == "renameat2":
            continue
        root = damaged_store(place)
        before = _contents(_version(root, "v1"))
        options = ["-e", f"trace={call.name},renameat2"]
        options += ["-e", f"inject={call.name}:{fault}:when={call.number}"]
        done = injection.traced([*options, *(REFUSE_RENAME if by_claim else ())], "repair", root)
        left = [*_left_behind(root, before, done.stdout), *_after_another_run(root)]
        if "Traceback" in done.stderr:
            left.append(f"a traceback: {done.stderr.splitlines()[-1]}")
        yield Trial(call=call, fault=fault, code=done.returncode, violations=tuple(left))


def _left_behind(root: Path, before: dict[str, bytes], said: str) -> Iterator[str]:
    """Check that the version is as it was, whole, or not there; and that nothing is lost."""
    folder = _version(root, "v1")
    there = Store(root=root).is_published(publisher.MODEL, publisher.FORMAT, "v1")
    if there and not whole(folder, "one") and _contents(folder) != before:
        yield f"torn: readers see {sorted(_contents(folder))}"
    if "repaired" in said and not whole(folder, "one"):
        yield "lost: a repair that was acknowledged is not there"
    yield from _what_is_lost(root)


def _after_another_run(root: Path) -> Iterator[str]:
    try:
        publisher.repair(root, "v1", "one")
    except Exception as error:  # noqa: BLE001, whatever stops a later repair counts
        yield f"stuck: the next run raised {error!r}"
        return
    if not whole(_version(root, "v1"), "one"):
        yield "torn: the version is not whole after the next run"
    yield from _what_is_lost(root)
    left = {path.relative_to(root).parts[0] for path in root.glob("*")} - {publisher.MODEL}
    strays = [*root.glob(".staging/*"), *_version(root, "v1").parent.glob(".*")]
    if left - {".staging", ASIDE} or strays:
        yield f"litter: {sorted(left)}, {strays}"


def _what_is_lost(root: Path) -> Iterator[str]:
    """Yield the files of the owner that are neither in the version nor set aside."""
    places = [_version(root, "v1"), *(root / ASIDE / publisher.MODEL / publisher.FORMAT).glob("*")]
    for name in (CHANGED, ADDED):
        files = [place / name for place in places]
        if not any(file.is_file() and file.read_bytes() == MINE for file in files):
            yield f"lost: {name} of the owner"
    if not whole(_version(root, "v0"), "zero"):
        yield "harmed: the version before it changed"


def _version(root: Path, version: str) -> Path:
    return Store(root=root).folder(publisher.MODEL, publisher.FORMAT, version)


def _contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
