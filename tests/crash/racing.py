"""Builders of one version that publish at the same moment, and what became of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.release import lock
from artifactbuild.release.store import Store
from tests.crash import publisher
from tests.crash.injection import whole

BUILDERS = 8
_SCRIPT = Path(publisher.__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one builder ended."""

    version: str
    content: str
    code: int
    said: str


def race(way: str, root: Path, builders: Sequence[tuple[str, str]]) -> list[Ended]:
    """Let each builder publish its (version, content), all let go at the same moment."""
    environment = {**os.environ, "PYTHONPATH": str(_SCRIPT.parents[2])}
    with ExitStack() as running:
        started = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, str(_SCRIPT), way, str(root), version, content, "wait"],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for version, content in builders
        ]
        for each in started:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        for each in started:
            assert each.stdin is not None
            each.stdin.write("\n")
            each.stdin.flush()
        told = [each.communicate() for each in started]
    return [
        Ended(version=version, content=content, code=each.returncode, said=(out or err).strip())
        for (version, content), each, (out, err) in zip(builders, started, told, strict=True)
    ]


def of_one_version(way: str, place: Path, *, alike: bool) -> Iterator[str]:
    """Race builders of one version with the same or different contents; yield what is wrong."""
    root = _place(place)
    contents = ["same" if alike else f"content{number}" for number in range(BUILDERS)]
    ended = race(way, root, [("v1", content) for content in contents])
    loser = "identical" if alike else "is published with other bytes"
    said = [each.said for each in ended]
    if said.count("published") != 1 or sum(loser in text for text in said) != len(ended) - 1:
        yield f"not one winner and the others told so: {said}"
    winner = next((each for each in ended if each.said == "published"), ended[0])
    yield from _wrong(root, [("v1", winner.content)])


def of_different_versions(way: str, place: Path) -> Iterator[str]:
    """Race builders of a version each; they share staging, folders and the lock's file."""
    root = _place(place)
    builders = [(f"v{number}", f"content{number}") for number in range(BUILDERS)]
    ended = race(way, root, builders)
    if {each.said for each in ended} != {"published"}:
        yield f"not all published: {[each.said for each in ended]}"
    yield from _wrong(root, builders)


def _wrong(root: Path, published: Sequence[tuple[str, str]]) -> Iterator[str]:
    store = Store(root=root)
    names = [version for _, _, version in store.versions()]
    if names != sorted(version for version, _ in published):
        yield f"published are {names}"
    for version, content in published:
        if not whole(store.folder(publisher.MODEL, publisher.FORMAT, version), content):
            yield f"{version} is torn"
    folder = publisher.manifest_of(root).parent
    left = [path.name for path in folder.iterdir()]
    text = lock.path_of(publisher.manifest_of(root)).read_text()
    if text not in {lock.text(publisher.lock_of(*each)) for each in published}:
        yield "the lock is none of those that were written"
    left.remove("model.artifact.lock")
    left += [path.name for path in root.glob(".staging/*")]
    left += [path.name for path in root.glob("*/*/.*")]
    if left:
        yield f"litter: {left}"


def _place(place: Path) -> Path:
    root = place / "artifacts"
    publisher.manifest_of(root).parent.mkdir(parents=True)
    return root
