"""Signals to a running build: it unwinds in good order, and nothing it started goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from artifactbuild.release import alive
from tests import processes

DENSE = Path(__file__).parents[1] / "samples" / "dense"
Copy = Callable[[Path], Path]

HANGING = """    import os, subprocess, time
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    open(os.environ["NOTE"], "w").close()
    time.sleep(1000)
"""


@contextmanager
def hanging(copied: Copy, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a build whose factory hangs; give it and what marks it and all that it started."""
    model = copied(DENSE).parent / "model.py"
    head, factory, body = model.read_text().partition('    """Return a model')
    model.write_text(head + HANGING + factory + body)
    note = tmp_path / "notes" / "note"
    note.parent.mkdir()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "artifactbuild", "build"],
        env={**os.environ, "NOTE": str(note), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as build:
        try:
            while not note.exists():
                assert build.poll() is None, build.communicate()
                time.sleep(0.05)
            yield build, str(note)
        finally:
            build.kill()


def assert_all_gone(mark: str, temporary: Path) -> None:
    """Wait until none of the processes is left, and nothing of theirs in the temporary folder."""
    deadline = time.monotonic() + 30
    while processes.marked(mark) or any(temporary.iterdir()):
        assert time.monotonic() < deadline, (processes.marked(mark), list(temporary.iterdir()))
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
    ],
)
def test_signal_ends_a_build_in_good_order(
    copied: Copy, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """A terminal sends its signals to the whole group of the command."""
    with hanging(copied, tmp_path) as (build, mark):
        assert len(processes.marked(mark)) >= 4
        os.killpg(build.pid, number)
        _, err = build.communicate(timeout=60)
    assert build.returncode == code
    assert err.splitlines()[-1] == f"interrupted by {number.name}"
    assert "Traceback" not in err
    assert_all_gone(mark, tmp_path / "temporary")
    assert list(Path("artifacts", ".staging").iterdir()) == []


def test_killed_build_leaves_nothing_running_and_only_what_the_next_clears(
    copied: Copy, tmp_path: Path
) -> None:
    with hanging(copied, tmp_path) as (build, mark):
        build.kill()
        build.wait()
        assert_all_gone(mark, tmp_path / "temporary")
    (left,) = Path("artifacts", ".staging").iterdir()
    with alive.hold(left / "held") as state:
        assert state == alive.OURS
    assert [path.name for path in Path("artifacts").iterdir()] == [".staging"]


@pytest.mark.slow
def test_build_that_is_killed_while_tensorflow_is_imported_leaves_nothing_running(
    copied: Copy, tmp_path: Path
) -> None:
    copied(DENSE)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for wait in (0.0, 0.3, 0.6, 1.0, 1.5):
        with subprocess.Popen(
            [sys.executable, "-m", "artifactbuild", "build"],
            env={**os.environ, "TMPDIR": str(temporary)},
            stderr=subprocess.DEVNULL,
        ) as build:
            children = Path(f"/proc/{build.pid}/task/{build.pid}/children")
            while not children.read_text():
                time.sleep(0.01)
            time.sleep(wait)
            build.kill()
        assert_all_gone(str(temporary), temporary)


def test_signal_that_the_caller_ignores_stays_ignored(copied: Copy) -> None:
    """As `nohup` does it."""
    copied(DENSE)
    code = (
        "import signal, os\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from artifactbuild import cli, examining\n"
        "see = examining.see\n"
        "def hang_up(*given):\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    return see(*given)\n"
        "examining.see = hang_up\n"
        "raise SystemExit(cli.run(['plan']))\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("dense v1: ")
