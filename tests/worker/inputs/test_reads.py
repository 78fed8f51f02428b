"""Whatever a factory reads under its project is an input: `check` names it once it has changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from artifactbuild.worker.inputs import notifications
from tests.worker.inputs import kinds_of_reads
from tests.worker.inputs.kinds_of_reads import AFTER, BEFORE, KINDS

Drift = Mapping[str, list[str]]
COMMAND = [sys.executable, "-m", "artifactbuild"]
ROOT = Path(__file__).parents[3]


def works() -> bool:
    """Try in a child whether the kernel lets a filter be installed that notifies."""
    if not notifications.available():
        return False
    child = os.fork()
    if child == 0:
        try:
            notifications.install()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def artifactbuild(root: Path, environ: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Run a command in a process of its own, as its environment is one of the inputs."""
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=root, env=environ, capture_output=True, text=True
    )
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Drift, Drift]:
    """Build a project of each kind, change what it reads; return the drift of before and after."""
    base = tmp_path_factory.mktemp("reads")
    root, library = base / "root", base / "library"
    kinds_of_reads.lay(root, library)
    (root / "pyproject.toml").touch()
    environ = kinds_of_reads.environment(library, BEFORE)
    code, told = artifactbuild(root, environ, "build")
    assert code == 0, told
    before = drift(root, environ, 0)
    kinds_of_reads.change(root, library)
    after = drift(root, kinds_of_reads.environment(library, AFTER), 1)
    return before, after


def drift(root: Path, environ: Mapping[str, str], expected: int) -> Drift:
    code, told = artifactbuild(root, environ, "check", "--json")
    assert code == expected, told
    return {
        each["model"]: [f"{one['name']}: {one['sentence']}" for one in each["drift"]]
        for each in json.loads(told)["manifests"]
    }


@pytest.mark.skipif(not works(), reason="this kernel has no seccomp notifications")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_an_input(kind: str, found: tuple[Drift, Drift]) -> None:
    before, after = found
    assert before[kind] == []
    assert KINDS[kind].drift in after[kind]


SEEN_BY_EVENTS = ("open", "glob", "optional_file", "optional_module")
UNSEEN_BY_EVENTS = ("tf_io", "child", "exists")
WARNING = (
    "warning: this machine does not report what a factory reads: what its C++ or a child process "
    "reads, and whether a file is there, is no input\n"
)


def test_pythons_events_stand_in_where_the_kernel_has_no_notifications(tmp_path: Path) -> None:
    root, library = tmp_path / "root", tmp_path / "library"
    kinds = (*SEEN_BY_EVENTS, *UNSEEN_BY_EVENTS)
    kinds_of_reads.lay(root, library, kinds)
    (root / "pyproject.toml").touch()
    environ = kinds_of_reads.environment(library, BEFORE)
    started = [sys.executable, "-m", "tests.without_notifications", *COMMAND, "build"]
    path = os.pathsep.join([str(ROOT), str(library)])
    done = subprocess.run(
        started, cwd=root, env={**environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.count(WARNING)) == (0, 1), done.stderr
    kinds_of_reads.change(root, library, kinds)
    after = drift(root, kinds_of_reads.environment(library, AFTER), 1)
    assert all(KINDS[kind].drift in after[kind] for kind in SEEN_BY_EVENTS)
    assert [after[kind] for kind in UNSEEN_BY_EVENTS] == [[], [], []]


def test_file_that_is_edited_while_the_factory_runs_is_named(tmp_path: Path) -> None:
    root, library = tmp_path / "root", tmp_path / "library"
    kinds_of_reads.lay(root, library, ["open"])
    (root / "pyproject.toml").touch()
    model, started = root / "open" / "model.py", tmp_path / "started"
    wait = f"open({str(started)!r}, 'w').close(); import time; time.sleep(2)\n    kernel ="
    model.write_text(model.read_text().replace("kernel =", wait))
    process = subprocess.Popen(
        [*COMMAND, "build"], cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not started.exists() and process.poll() is None:
        time.sleep(0.05)
    (root / "open" / "d.txt").write_text("3.0")
    model.write_text(model.read_text() + "more = 1\n")
    assert process.stderr is not None
    told = process.stderr.read()
    assert process.wait() == 1, told
    for name in ("d.txt", "model.py"):
        assert f"4:10: {name} changed while the model was being built from it\n" in told
    assert not (root / "open" / "model.artifact.lock").exists()


@pytest.mark.skipif(not works(), reason="this kernel has no seccomp notifications")
@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("f = open(HERE + 'd.txt', 'r+'); v = float(f.read()); f.write('more'); f.flush()", 1),
        ("v = 1.0; subprocess.run(['touch', 'new.txt'], capture_output=True)", 0),
        ("v = 1.0; subprocess.run(['mkdir', 'new'], capture_output=True)", 0),
        ("v = 1.0; subprocess.run(['mv', 'd.txt', 'e.txt'], capture_output=True)", 0),
    ],
)
def test_write_that_only_the_kernel_sees_is_named(tmp_path: Path, code: str, refused: int) -> None:
    root, library = tmp_path / "root", tmp_path / "library"
    kinds_of_reads.lay(root, library, ["open"])
    (root / "pyproject.toml").touch()
    model = root / "open" / "model.py"
    model.write_text(model.read_text().replace(KINDS["open"].code, code))
    before = {path.name for path in model.parent.iterdir()}
    done = subprocess.run([*COMMAND, "build"], cwd=root, capture_output=True, text=True)
    assert done.returncode == refused, done.stderr
    file = next(each for each in ("e.txt", "new.txt", "new", "d.txt") if each in code)
    told = (
        f"the factory writes into {file}, which is in the project"
        if refused
        else f"warning: open/model.py:17: 'open/{file}' was not written, the project is read-only"
    )
    assert told in done.stderr
    assert {path.name for path in model.parent.iterdir()} - {"model.artifact.lock"} == before
    assert (model.parent / "d.txt").read_text() == "1.0"
