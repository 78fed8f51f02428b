from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.release import alive


def test_one_holds_and_another_sees_it(tmp_path: Path) -> None:
    file = tmp_path / "held"
    with alive.hold(file) as first, alive.hold(file) as second:
        assert (first, second) == (alive.OURS, alive.THEIRS)
    with alive.hold(file, 0) as again:
        assert again == alive.OURS


def test_holder_that_is_killed_holds_no_more(tmp_path: Path) -> None:
    file = tmp_path / "held"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom artifactbuild.release import alive\n"
        "with alive.hold(Path(sys.argv[1])) as state:\n"
        "    print(state, flush=True)\n    time.sleep(1000)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, file], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ours\n"
        with alive.hold(file) as state:
            assert state == alive.THEIRS
        holder.kill()
    with alive.hold(file) as state:
        assert state == alive.OURS


@pytest.mark.parametrize("then", [Path.unlink, lambda file: os.replace(file.parent / "new", file)])
def test_file_that_goes_before_its_lock_comes_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: Callable[[Path], None]
) -> None:
    file = tmp_path / "held"
    (tmp_path / "new").touch()
    flock = fcntl.flock

    def late(descriptor: int, operation: int) -> None:
        then(file)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with alive.hold(file) as state:
        assert state == alive.LOST


def test_nothing_is_known_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with alive.hold(tmp_path / "held") as state:
        assert state == alive.UNKNOWN
