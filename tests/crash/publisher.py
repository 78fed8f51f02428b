"""Publishes one tiny version and its lock, as a process that may be killed at any moment.

`python publisher.py WAY ROOT VERSION CONTENT [wait]`, where WAY is `store` (ours), `claim` (ours
where no rename refuses to replace), `repair` (in place of a damaged version), `naive` (in place) or
`unsynced` (a plain rename, nothing brought to the disk). Acknowledges on standard output; exit 1 is
an expected failure. With `wait` it says `ready` before the very moment of publishing, and goes on
when it is told to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from artifactbuild.problems import Refusal
from artifactbuild.release import durable, lock
from artifactbuild.release.digest import of_folder
from artifactbuild.release.lock import Lock, LockedTotals
from artifactbuild.release.record import Inputs
from artifactbuild.release.store import Store

MODEL, FORMAT = "m", "keras"
BEGIN, END = "/the-publish-step-begins", "/the-publish-step-ends"
FILES = ("MODEL_CARD.md", "metadata.json", "model.keras", "variables/data", "variables/index")
SIZE = 8_000


def content_of(name: str, content: str) -> bytes:
    """Return what a file of a version of this content holds."""
    return (f"{name} {content}\n".encode() * SIZE)[:SIZE]


def fill(folder: Path, content: str) -> None:
    """Write the files of a version, as a builder does."""
    (folder / "variables").mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_bytes(content_of(name, content))


def manifest_of(root: Path) -> Path:
    """Return the manifest beside which the lock is written."""
    return root.parent / "manifest" / "model.artifact.yaml"


def lock_of(version: str, content: str) -> Lock:
    """Return the lock of a version of this content."""
    return Lock(
        lock_version=1,
        model=MODEL,
        version=version,
        created_at="2026-01-01T00:00:00Z",
        totals=LockedTotals(
            kind="", layers=0, parameters=0, trainable=0, precision="", config_digest=""
        ),
        input_signature=(),
        output_signature=(),
        layers=(),
        checks=(),
        measures=(),
        environment={"content": content},
        inputs=Inputs(manifest={}, sources={}),
        artifacts={},
    )


def store(root: Path, version: str, content: str, wait: Callable[[], None] = lambda: None) -> str:
    """Publish as the pipeline does."""
    where = Store(root=root)
    with where.staging(MODEL, version) as staged:
        folder = staged / FORMAT
        fill(folder, content)
        durable.seal(folder)
        wait()
        outcome = where.publish(folder, MODEL, FORMAT, version)
        where.forget_failed(staged, MODEL, version)
    lock.write(lock_of(version, content), manifest_of(root))
    return outcome


def claim(root: Path, version: str, content: str, wait: Callable[[], None] = lambda: None) -> str:
    """Publish as the pipeline does where no rename refuses to replace (FUSE, NFS)."""
    durable.rename_new = lambda source, target: False
    return store(root, version, content, wait)


def repair(root: Path, version: str, content: str, wait: Callable[[], None] = lambda: None) -> str:
    """Publish in place of a damaged version, as the pipeline does."""
    where = Store(root=root)
    with where.staging(MODEL, version) as staged:
        folder = staged / FORMAT
        fill(folder, content)
        durable.seal(folder)
        wait()
        where.replace(folder, MODEL, FORMAT, version, of_folder(folder))
    return "repaired"


def naive(root: Path, version: str, content: str, wait: Callable[[], None] = lambda: None) -> str:
    """Publish in place, file by file."""
    wait()
    fill(root / MODEL / FORMAT / version, content)
    manifest = manifest_of(root)
    lock.path_of(manifest).write_text(content)
    return "published"


def unsynced(
    root: Path, version: str, content: str, wait: Callable[[], None] = lambda: None
) -> str:
    """Publish by a rename that nothing was brought to the disk for."""
    staged = root / ".staging" / version
    fill(staged, content)
    wait()
    target = root / MODEL / FORMAT / version
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(staged, target)
    return "published"


WAYS = {"store": store, "claim": claim, "repair": repair, "naive": naive, "unsynced": unsynced}


def main(way: str, root: str, version: str, content: str, *rest: str) -> int:
    """Publish, and acknowledge."""

    def wait() -> None:
        if rest:
            print("ready", flush=True)
            sys.stdin.readline()

    Path(BEGIN).exists()
    try:
        print(WAYS[way](Path(root), version, content, wait), flush=True)
    except (OSError, Refusal) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        Path(END).exists()
    return 0


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
