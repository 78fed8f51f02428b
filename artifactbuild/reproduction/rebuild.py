"""The rebuild itself: `artifactbuild build` as a command of its own, in a place of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from artifactbuild.problems import Problem
from artifactbuild.release import lock, record
from artifactbuild.reproduction.conditions import BASE, Condition, wrapped
from artifactbuild.reproduction.nouns import Place, Rebuilt, Released
from artifactbuild.reproduction.place import MODULES, shown
from artifactbuild.worker.messages import Tell
from artifactbuild.worker.server import PACKAGE

ENTRY = (
    "import sys; sys.path[:] = [path for path in sys.path if path]; "
    "from artifactbuild.cli import main; main()"
)
"""Starts this artifactbuild, not one that lies in the current folder."""

ANSWER, LOG = "build.json", "build.log"
INTERRUPTED = 130


def rebuild(released: Released, place: Place, condition: Condition, tell: Tell) -> Rebuilt:
    """Build a manifest in its place under a condition, at the moment that its lock names."""
    with shown(place, condition) as seen:
        command = [
            *(sys.executable, "-c", ENTRY, "build", "--json"),
            *("--artifacts", str(seen.artifacts), str(seen.manifest)),
        ]
        cwd = seen.base / condition.cwd if condition.cwd else seen.project
        environment = _environment(released, seen, condition)
        code = _run(wrapped(condition, command), place, cwd, environment, tell)
    if code == 0:
        written = lock.read(place.manifest, released.work.lock_shown)
        return Rebuilt(place=place, lock=written)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    return Rebuilt(place=place, problems=tuple(_problems(released, place, code)))


def _run(
    command: Sequence[str], place: Place, cwd: Path, environment: Mapping[str, str], tell: Tell
) -> int:
    """Run a command; tell what it says on standard error, and keep that in a log."""
    with (
        open(place.base / ANSWER, "wb") as answer,
        open(place.base / LOG, "w", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        assert process.stderr is not None
        for line in process.stderr:
            log.write(line)
            tell(line.rstrip("\n"))
    return process.returncode


def _environment(released: Released, place: Place, condition: Condition) -> dict[str, str]:
    """Return this environment, with the lock's moment, and with the copy where the project was."""
    kept = {key: value for key, value in os.environ.items() if key != "ARTIFACTBUILD_ARTIFACTS"}
    changed = {k: v.replace(BASE, str(place.base)) for k, v in condition.environment.items()}
    return {
        **kept,
        **changed,
        "PYTHONPATH": os.pathsep.join(_python_path(released, place)),
        "SOURCE_DATE_EPOCH": str(record.epoch(released.lock.created_at)),
    }


def _python_path(released: Released, place: Place) -> Iterator[str]:
    """Yield where modules are found: a condition's, this package, the copy's folders, others.

    A project that is installed for editing is on the path of this process; the copy must answer in
    its place.
    """
    yield str(place.base / MODULES)
    yield PACKAGE
    origin, installed = released.origin, Path(sys.prefix)
    for entry in map(Path, filter(None, sys.path)):
        if entry.is_relative_to(origin) and not entry.is_relative_to(installed):
            yield str(place.project / entry.relative_to(origin))
    for entry in map(Path, filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))):
        if not entry.is_relative_to(origin):
            yield str(entry)


def _problems(released: Released, place: Place, code: int) -> Iterator[Problem]:
    """Yield the problems that the build answered with, named as in the project."""
    file = released.work.loaded.document.file
    said = _refused(place)
    if said is None:
        message = f"the rebuild ended with exit code {code}: {_last_words(place)}"
        yield Problem(file=file, message=message, hint="`--keep` keeps its log for a look")
        return
    own = place.manifest.relative_to(place.project).as_posix()
    for problem in said:
        yield replace(problem, file=file) if problem.file == own else problem


def _last_words(place: Place) -> str:
    """Return the last line that a rebuild said; on a terminal all goes where the answer does."""
    said = [(place.base / n).read_text(encoding="utf-8", errors="replace") for n in (LOG, ANSWER)]
    lines = [line.strip() for text in said for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _refused(place: Place) -> list[Problem] | None:
    try:
        answer: Any = json.loads((place.base / ANSWER).read_text(encoding="utf-8"))
        return [Problem(**each) for each in answer["problems"]]
    except (ValueError, TypeError, KeyError):
        return None
