"""A power cut: a copy of the disk's image at a moment while publishers run, mounted again.

The image is a file under a loop mount, so what the kernel has not written to it is lost, as in a
cut. The copy is of one moment: it is taken twice, until both copies are equal.

`python powercut.py WAY ROOT NAME ACKNOWLEDGED` publishes one version after another.
"""

from __future__ import annotations

import filecmp
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from artifactbuild.release.store import Store
from tests.crash import publisher
from tests.crash.injection import whole

PUBLISHERS = 3
MEGABYTES = 48
ROOM = 180
"""Versions that each publisher makes at most."""


class NotPermitted(Exception):
    """Mounting is not permitted here."""


@contextmanager
def mounted(image: Path, point: Path) -> Iterator[Path]:
    """Mount an image; raises NotPermitted."""
    point.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-o", "loop", image, point], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotPermitted(done.stderr.strip())
    try:
        yield point
    finally:
        subprocess.run(["umount", point], check=True)


def cuts(way: str, place: Path, count: int, chance: random.Random) -> Iterator[list[str]]:
    """Cut the power `count` times while publishers run; yield what each cut shows to be wrong."""
    image = place / "image"
    with open(image, "wb") as file:
        file.truncate(MEGABYTES << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    with mounted(image, place / "disk") as disk, _publishing(way, disk, place) as running:
        while not (place / "acknowledged").read_text():
            time.sleep(0.01)
        for _ in range(count):
            time.sleep(chance.uniform(0.02, 0.4))
            for each in running:
                each.send_signal(signal.SIGSTOP)
            promised = (place / "acknowledged").read_text().split()
            copy = _copied(image, place)
            for each in running:
                each.send_signal(signal.SIGCONT)
            with mounted(copy, place / "after") as after:
                yield list(_wrong(after / "artifacts", promised))


@contextmanager
def _publishing(way: str, disk: Path, place: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    acknowledged = place / "acknowledged"
    acknowledged.touch()
    root = disk / "artifacts"
    publisher.manifest_of(root).parent.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with ExitStack() as running:
        started = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, __file__, way, root, f"v{number}", acknowledged],
                    env=environment,
                )
            )
            for number in range(PUBLISHERS)
        ]
        try:
            yield started
        finally:
            for each in started:
                each.kill()


def _copied(image: Path, place: Path) -> Path:
    first, second = place / "first", place / "second"
    shutil.copyfile(image, second)
    while True:
        first, second = second, first
        shutil.copyfile(image, second)
        if filecmp.cmp(first, second, shallow=False):
            return second


def _wrong(root: Path, promised: list[str]) -> Iterator[str]:
    store = Store(root=root)
    there = [version for _, _, version in store.versions()]
    for version in promised:
        if version not in there:
            yield f"lost: {version} was acknowledged"
    for version in there:
        if not whole(store.folder(publisher.MODEL, publisher.FORMAT, version), version):
            yield f"torn: {version}"
    try:
        publisher.store(root, "v9", "after")
    except Exception as error:  # noqa: BLE001, whatever stops a later build counts
        yield f"stuck: {error!r}"
    if any(root.glob(".staging/*")):
        yield "litter in staging"


def main(way: str, root: str, name: str, acknowledged: str) -> None:
    """Publish one version after another, leaving room on the disk for one more."""
    for number in range(ROOM):
        version = f"{name}.{number}"
        publisher.WAYS[way](Path(root), version, version)
        with open(acknowledged, "a") as file:
            file.write(f"{version} ")
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
