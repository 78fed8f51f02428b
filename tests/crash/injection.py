"""A fault at every system call of the publish step, by `strace -e inject`, and what it left."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.release import lock
from artifactbuild.release.store import Store
from tests.crash import publisher

FAULTS = ("signal=SIGKILL", "error=ENOSPC", "error=EIO")
REFUSE_RENAME = ("-e", "inject=renameat2:error=EINVAL")
"""What a filesystem without RENAME_NOREPLACE answers (FUSE, NFS)."""

_SCRIPT = Path(publisher.__file__)
_ROOT = _SCRIPT.parents[2]
_CALL = re.compile(r"^\d+ +(\w+)\(")
_NOT_OF_FILES = re.compile(
    r"brk|m(map|unmap|protect|advise|remap)|futex|rt_sig\w+|get\w+id|exit\w*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One system call: its name, and which of that name in the life of the process."""

    name: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One fault at one call, and every rule that was broken by it, in words."""

    call: Call
    fault: str
    code: int
    violations: tuple[str, ...]


def calls(
    way: str, place: Path, *, by_claim: bool = False, fresh: Callable[[Path], Path] | None = None
) -> list[Call]:
    """Return every system call of the publish step that touches files, from a clean run."""
    root = (fresh or fresh_store)(place)
    trace = place / "trace"
    options = ["-o", str(trace), *(REFUSE_RENAME if by_claim else ())]
    traced(options, way, root).check_returncode()
    counted: Counter[str] = Counter()
    found, inside = [], False
    for line in trace.read_text().splitlines():
        call = _CALL.match(line)
        if call is None:
            continue
        counted[call[1]] += 1
        inside = publisher.END not in line and (inside or publisher.BEGIN in line)
        if inside and publisher.BEGIN not in line and not _NOT_OF_FILES.fullmatch(call[1]):
            found.append(Call(name=call[1], number=counted[call[1]]))
    return found


def trials(
    way: str, place: Path, chosen: list[tuple[Call, str]], *, by_claim: bool = False
) -> Iterator[Trial]:
    """Try each fault at its call in a store of its own that holds one version already."""
    for call, fault in chosen:
        if by_claim and call.name == "renameat2":
            continue
        root = fresh_store(place)
        options = ["-e", f"trace={call.name},renameat2"]
        options += ["-e", f"inject={call.name}:{fault}:when={call.number}"]
        done = traced([*options, *(REFUSE_RENAME if by_claim else ())], way, root)
        left = [*_left_behind(root, done), *_after_another_run(way, root)]
        yield Trial(call=call, fault=fault, code=done.returncode, violations=tuple(left))


def whole(folder: Path, content: str) -> bool:
    """Tell whether a version's folder has every file, and every byte of it."""
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    return names == set(publisher.FILES) and all(
        (folder / name).read_bytes() == publisher.content_of(name, content) for name in names
    )


def fresh_store(place: Path) -> Path:
    """Make a store with one published version and its lock."""
    root = place / "artifacts"
    for folder in (root, place / "manifest"):
        shutil.rmtree(folder, ignore_errors=True)
    (place / "manifest").mkdir()
    publisher.store(root, "v0", "zero")
    return root


def traced(options: list[str], way: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Publish in a process whose system calls are traced."""
    command = [sys.executable, "-B", str(_SCRIPT), way, str(root), "v1", "one"]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONHASHSEED": "0"}
    return subprocess.run(
        ["strace", "-f", "-qq", "-o", os.devnull, *options, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _left_behind(root: Path, done: subprocess.CompletedProcess[str]) -> Iterator[str]:
    store = Store(root=root)
    folder = store.folder(publisher.MODEL, publisher.FORMAT, "v1")
    there = store.is_published(publisher.MODEL, publisher.FORMAT, "v1")
    if there and not whole(folder, "one"):
        yield "torn: readers see a version that is not whole"
    if "published" in done.stdout and not there:
        yield "lost: a version that was acknowledged is not there"
    if not whole(store.folder(publisher.MODEL, publisher.FORMAT, "v0"), "zero"):
        yield "harmed: the version before it changed"
    if lock.path_of(publisher.manifest_of(root)).read_text() not in _lock_texts():
        yield "torn: the lock is neither the old one nor the new one"
    if "Traceback" in done.stderr:
        yield f"a traceback: {done.stderr.splitlines()[-1]}"


def _after_another_run(way: str, root: Path) -> Iterator[str]:
    try:
        publisher.WAYS[way](root, "v1", "one")
    except Exception as error:  # noqa: BLE001, whatever stops a later build counts
        yield f"stuck: the next run raised {error!r}"
        return
    if not whole(root / publisher.MODEL / publisher.FORMAT / "v1", "one"):
        yield "torn: the version is not whole after the next run"
    strays = [path.name for path in _manifest_folder(root).iterdir() if path.suffix != ".lock"]
    strays += sorted({p.relative_to(root).as_posix() for p in root.rglob("*")} - _expected(root))
    if strays:
        yield f"litter: {', '.join(strays)}"


def _expected(root: Path) -> set[str]:
    """Return every path that two versions and nothing else give."""
    folder = Path(publisher.MODEL, publisher.FORMAT)
    files = {folder / version / name for version in ("v0", "v1") for name in publisher.FILES}
    paths = {".staging", *map(Path.as_posix, files)}
    return paths | {parent.as_posix() for file in files for parent in file.parents}


def _manifest_folder(root: Path) -> Path:
    return publisher.manifest_of(root).parent


def _lock_texts() -> set[str]:
    return {lock.text(publisher.lock_of("v0", "zero")), lock.text(publisher.lock_of("v1", "one"))}
