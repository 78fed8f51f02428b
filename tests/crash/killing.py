"""kill -9 of the command, its server or a worker at any moment of a full build of `my_model`."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.release.digest import of_folder
from artifactbuild.release.store import Store

MODEL = Path(__file__).parents[2] / "manifests" / "my_model"
VICTIMS = ("command", "server", "worker")
_MARK = "ARTIFACTBUILD_KILLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """One kill: whom, after how many seconds, how the command ended, and what was wrong."""

    victim: str
    after: float
    code: int
    published: int
    violations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """What a build that nobody disturbs gives: the digest of every file, and its seconds."""

    files: Mapping[str, str]
    seconds: float


def clean(place: Path, model: Path = MODEL) -> Clean:
    """Build once, undisturbed."""
    project = _project(place / "clean", model)
    begun = time.monotonic()
    done, _ = _started(project)
    if done.wait() != 0:
        raise RuntimeError(done.stderr.read() if done.stderr else "")
    return Clean(files=_published(project), seconds=time.monotonic() - begun)


def kills(
    place: Path,
    count: int,
    expected: Clean,
    chance: random.Random,
    model: Path = MODEL,
    *,
    row: int = 1,
    late: bool = False,
) -> Iterator[Killed]:
    """Kill `count` builds, `row` of them in a row in each project; then let one go to its end.

    At any moment of a build, or, if `late`, at one of its publishing.
    """
    for number in range(count):
        if number % row == 0:
            project = _project(place / f"killed{number}", model)
        victim = VICTIMS[number % len(VICTIMS)]
        after = chance.uniform(0.0, 0.9 * expected.seconds)
        command, mark = _started(project)
        if late:
            after = chance.uniform(0.0, 0.5)
            _await_publishing(command)
        time.sleep(after)
        _kill(command, victim, chance)
        _, err = command.communicate()
        published = _published(project)
        wrong = [*_wrong(published, expected), *_alive(mark)]
        if "Traceback" in err:
            wrong.append(f"a traceback: {err}")
        if number % row == row - 1 or number == count - 1:
            again, _ = _started(project)
            _, err = again.communicate()
            wrong += _after_another_build(project, again.returncode, err, expected)
            shutil.rmtree(project)
        yield Killed(
            victim=victim,
            after=round(after, 2),
            code=command.returncode,
            published=len({name.split("/")[1] for name in published}),
            violations=tuple(wrong),
        )


def _project(project: Path, model: Path) -> Path:
    project.mkdir(parents=True)
    (project / "pyproject.toml").touch()
    ignored = shutil.ignore_patterns("*.lock", "__pycache__")
    target = shutil.copytree(model, project / model.name, ignore=ignored)
    if (target / "manifest.yaml").exists():
        (target / "manifest.yaml").rename(target / "model.artifact.yaml")
    return project


def _started(project: Path) -> tuple[subprocess.Popen[str], str]:
    mark = uuid.uuid4().hex
    return subprocess.Popen(
        [sys.executable, "-m", "artifactbuild", "build"],
        cwd=project,
        env={**os.environ, "SOURCE_DATE_EPOCH": "0", _MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ), mark


def _kill(command: subprocess.Popen[str], victim: str, chance: random.Random) -> None:
    """Kill one process of a build; the command where the wished one is not there yet."""
    watchers = _children(command.pid)
    servers = [server for watcher in watchers for server in _children(watcher)]
    workers = [worker for server in servers for worker in _children(server)]
    number = command.pid
    if victim == "server" and servers:
        number = servers[0]
    elif victim == "worker" and workers:
        number = chance.choice(workers)
    try:
        os.kill(number, 9)
    except ProcessLookupError:
        command.kill()


def _await_publishing(command: subprocess.Popen[str]) -> None:
    assert command.stderr is not None
    for line in command.stderr:
        if line.endswith("publishing\n"):
            return


def _children(number: int) -> list[int]:
    try:
        return [
            int(child)
            for path in Path(f"/proc/{number}/task").glob("*/children")
            for child in path.read_text().split()
        ]
    except OSError:
        return []


def _published(project: Path) -> dict[str, str]:
    """Return the digest of every file of every version that readers see."""
    store = Store(root=project / "artifacts")
    return {
        f"{'/'.join(version)}/{name}": digest
        for version in store.versions()
        for name, digest in of_folder(store.folder(*version)).items()
    }


def _wrong(published: Mapping[str, str], expected: Clean) -> Iterator[str]:
    """Hold every file of every published version against the undisturbed build's."""
    versions = {name.split("/")[1] for name in published}
    for name, digest in expected.files.items():
        if name.split("/")[1] in versions and published.get(name) != digest:
            yield f"torn: {name}"
    for name in published.keys() - expected.files.keys():
        yield f"extra: {name}"


def _alive(mark: str) -> Iterator[str]:
    """Name what is still running of a build some seconds after it was killed."""
    deadline = time.monotonic() + 20
    while found := [
        path.parent.name for path in Path("/proc").glob("[0-9]*/environ") if _has(path, mark)
    ]:
        if time.monotonic() > deadline:
            yield f"orphans: {found}"
            return
        time.sleep(0.1)


def _has(path: Path, mark: str) -> bool:
    try:
        return mark.encode() in path.read_bytes()
    except OSError:
        return False


def _after_another_build(project: Path, code: int, err: str, expected: Clean) -> Iterator[str]:
    if code != 0:
        yield f"stuck: the next build exited {code}: {err}"
    if _published(project) != expected.files:
        yield "the next build published something else"
    root = project / "artifacts"
    left = [path.name for path in (*root.glob(".staging/*"), *root.glob("*/*/.*"))]
    left += [path.name for path in root.glob(".failed/*")]
    left += [path.name for path in project.glob("*/.*.lock*")]
    if left:
        yield f"litter: {left}"
