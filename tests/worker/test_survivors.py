"""kill -9 of any of a build's processes: none of them is left, and no daemon of a factory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from artifactbuild.worker import enclosure, kernel
from tests import processes

SAMPLE = Path(__file__).parents[1] / "samples" / "dense"

DAEMON = """
import os
import pathlib
import time

import keras


def start_daemon(name):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", os.environ["AGE"]])
        os._exit(0)
    os.wait()
    pathlib.Path(os.environ["NOTES"], name).touch()


class Slow(keras.layers.Dense):
    @classmethod
    def from_config(cls, config):
        start_daemon("validator")
        time.sleep(1000)
"""
FACTORY = """    start_daemon("builder")
    time.sleep(0 if os.environ["VICTIM"] == "validator" else 1000)
"""

VICTIMS = ("command", "watcher", "server", "builder", "validator", "all")


@contextmanager
def building(
    project: Path, tmp_path: Path, victim: str, environment: dict[str, str]
) -> Iterator[tuple[int, str]]:
    """Run a build up to where a daemon was started; give the command's number and the mark."""
    model = (SAMPLE / "model.py").read_text().replace("import keras\n", DAEMON)
    head, factory, body = model.replace("keras.layers.Dense(units", "Slow(units").partition(
        '    """Return a model'
    )
    (project / "model.py").write_text(head + FACTORY + factory + body)
    manifest = (SAMPLE / "manifest.yaml").read_text()
    (project / "model.artifact.yaml").write_text(
        manifest.replace("[savedmodel, keras, h5, weights]", "[keras]")
        + "custom_objects: [model:Slow]\n"
    )
    notes = tmp_path / "notes"
    notes.mkdir()
    settings = {"NOTES": str(notes), "VICTIM": victim, "AGE": f"1000.{os.getpid()}"}
    with subprocess.Popen(
        [sys.executable, "-m", "artifactbuild", "build"],
        env={**os.environ, **environment, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as build:
        try:
            expected = "validator" if victim == "validator" else "builder"
            while not (notes / expected).exists():
                assert build.poll() is None, build.communicate()
                time.sleep(0.05)
            yield build.pid, str(notes)
        finally:
            build.kill()
            for number in processes.marked(str(notes)):
                os.kill(number, signal.SIGKILL)


def victims(command: int, victim: str) -> list[int]:
    """Return whom to kill: the command, the watcher, the server, or a job of the server."""
    (watcher,) = processes.children(command)
    (server,) = processes.children(watcher)
    jobs = [number for number in processes.children(server) if is_python(number)]
    named = {"command": [command], "watcher": [watcher], "server": [server]}
    everyone = [command, watcher, server, *jobs]
    return everyone if victim == "all" else named.get(victim, jobs)


def is_python(number: int) -> bool:
    return b"serving" in Path(f"/proc/{number}/cmdline").read_bytes()


def survivors(
    project: Path, tmp_path: Path, victim: str, environment: dict[str, str]
) -> dict[int, str]:
    with building(project, tmp_path, victim, environment) as (command, mark):
        while not any("sleep 1000" in each for each in processes.marked(mark).values()):
            time.sleep(0.05)
        for number in victims(command, victim):
            os.kill(number, signal.SIGKILL)
        return processes.left(mark, 20)


needs_namespaces = pytest.mark.skipif(
    not enclosure.available(), reason="no namespaces are to be had"
)


@needs_namespaces
@pytest.mark.parametrize(
    "victim",
    [
        each if each in ("server", "all") else pytest.param(each, marks=pytest.mark.slow)
        for each in VICTIMS
    ],
)
def test_nothing_survives(project: Path, tmp_path: Path, victim: str) -> None:
    assert survivors(project, tmp_path, victim, {}) == {}


@pytest.mark.slow
@pytest.mark.parametrize("victim", [each for each in VICTIMS if each != "all"])
def test_nothing_survives_one_kill_without_namespaces(
    project: Path, tmp_path: Path, victim: str
) -> None:
    assert survivors(project, tmp_path, victim, {kernel.WITHOUT: kernel.NAMESPACES}) == {}
