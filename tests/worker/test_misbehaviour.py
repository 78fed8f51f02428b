"""Factories that do what they should not: a clear message, a bounded log, nothing left running."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.worker.output import KEPT_OF_EACH, Log
from artifactbuild.worker.server import Server
from tests import processes

SAMPLE = Path(__file__).parents[1] / "samples" / "dense"
Build = Callable[[Path], Outcome]
Written = Callable[[str], Path]


@pytest.fixture
def written(copied: Callable[[Path], Path]) -> Written:
    """Give a function that puts lines at the start of a good model's factory."""

    def write(code: str) -> Path:
        manifest = copied(SAMPLE)
        text = manifest.read_text().replace("[savedmodel, keras, h5, weights]", "[h5]")
        manifest.write_text(text)
        model = manifest.parent / "model.py"
        head, factory, body = model.read_text().partition('    """Return a model')
        added = "".join(f"    {line}\n" for line in code.splitlines())
        model.write_text(head + added + factory + body)
        return manifest

    return write


@pytest.fixture
def soon(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give jobs two seconds."""
    monkeypatch.setattr(server, "_timeout", 2.0)


def refused(build: Build, manifest: Path) -> tuple[str, str]:
    """Return the message of a build that is refused, and what its builder printed."""
    with pytest.raises(Refusal) as refusal:
        build(manifest)
    (problem,) = refusal.value.problems
    assert problem.hint == "what it printed last is in build.log"
    assert not list(manifest.parents[1].glob("artifacts/.staging/*"))
    log = Path(refusal.value.kept, "build.log")
    return problem.message, log.read_text(encoding="utf-8", errors="replace")


def line_of(log: str) -> int:
    """Return the line of the factory that a traceback of the interpreter's end names."""
    found = re.search(r'model\.py", line (\d+) in make_model', log)
    assert found is not None
    return int(found[1])


def test_hanging_factory_is_stopped_and_the_log_says_where_it_stood(
    written: Written, build: Build, soon: None
) -> None:
    message, log = refused(build, written("import time\ntime.sleep(1000)  # waits for a licence"))
    assert message == (
        "the worker ended without a report: "
        "it took longer than --timeout allows, 2 s, and was stopped"
    )
    assert "Fatal Python error: Aborted" in log
    assert "time.sleep(1000)" in Path("dense/model.py").read_text().splitlines()[line_of(log) - 1]


def test_hanging_factory_that_heeds_no_signal_is_stopped(
    written: Written, build: Build, soon: None
) -> None:
    deaf = "import signal, time\nfor n in (1, 2, 6, 15): signal.signal(n, signal.SIG_IGN)\n"
    begun = time.monotonic()
    message, _ = refused(build, written(deaf + "while True: time.sleep(1)"))
    assert message.endswith("and was stopped")
    assert time.monotonic() - begun < 60


def test_flood_is_kept_by_its_beginning_and_its_end(written: Written, build: Build) -> None:
    flood = 'print("the beginning")\nfor _ in range(200_000): print("x" * 99)\nimport os\n'
    message, log = refused(build, written(flood + 'print("the end", flush=True)\nos._exit(5)'))
    assert message == (
        "the worker ended without a report: the process ended by itself with exit code 5"
    )
    assert log.startswith("the beginning\n")
    assert log.endswith("the end\n")
    assert "bytes left out …" in log
    assert len(log) < 2 * KEPT_OF_EACH + 100


def test_what_a_factory_starts_does_not_outlive_it(
    written: Written, build: Build, tmp_path: Path
) -> None:
    code = f"""import os, subprocess, sys, time
subprocess.Popen(["sleep", "1000.{os.getpid()}"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "1001.{os.getpid()}"])
    os._exit(0)
os.wait()
while not os.path.exists({str(tmp_path / "seen")!r}):
    time.sleep(0.05)
os._exit(5)"""
    manifest = written(code)
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(refused, build, manifest)
        while not all(processes.marked(f"{each}.{os.getpid()}") for each in (1000, 1001)):
            assert not building.done(), building.result()
            time.sleep(0.05)
        (tmp_path / "seen").touch()
        building.result()
    assert not processes.marked(f"1000.{os.getpid()}")
    assert not processes.marked(f"1001.{os.getpid()}")


def test_server_that_is_killed_is_said_to_be_and_the_next_job_gets_another(
    written: Written, build: Build, server: Server, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    manifest = written(f"import time\nopen({str(note)!r}, 'w')\ntime.sleep(9)")
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(refused, build, manifest)
        while not note.exists():
            assert not building.done(), building.result()
            time.sleep(0.05)
        assert server._process is not None
        (first,) = processes.children(server._process.pid)
        os.kill(first, signal.SIGKILL)
        message, _ = building.result()
    assert message == (
        "the worker ended without a report: the TensorFlow process that it came from was killed "
        "by SIGKILL, perhaps for want of memory"
    )
    model = manifest.parent / "model.py"
    model.write_text(model.read_text().replace("time.sleep", "print"))
    assert [result.outcome for result in build(manifest).results] == ["published"]


def test_odd_but_harmless_factory_builds(
    written: Written, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """import os, signal, sys, threading, time
assert sys.stdin.read() == ""
os.chdir("/")
threading.Thread(target=time.sleep, args=(1000,)).start()
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
    signal.signal(number, lambda *_: None)
if os.fork() == 0:
    print("a fork that comes back into the builder")"""
    manifest = written(code)
    assert [result.outcome for result in build(manifest).results] == ["published"]


def test_log_takes_what_a_full_disk_leaves_it() -> None:
    with Log(Path("/dev/full")) as log:
        log.add(b"much")


@pytest.mark.parametrize("size", [0, 1, KEPT_OF_EACH, 2 * KEPT_OF_EACH])
def test_log_within_bounds_is_kept_whole(tmp_path: Path, size: int) -> None:
    printed = os.urandom(size)
    with Log(tmp_path / "log") as log:
        for start in range(0, size, 77_777):
            log.add(printed[start : start + 77_777])
    assert (tmp_path / "log").read_bytes() == printed


def test_log_beyond_bounds_keeps_both_ends(tmp_path: Path) -> None:
    printed = os.urandom(5 * KEPT_OF_EACH)
    with Log(tmp_path / "log") as log:
        for start in range(0, len(printed), 777_777):
            log.add(printed[start : start + 777_777])
    note = f"\n… {3 * KEPT_OF_EACH} bytes left out …\n".encode()
    expected = printed[:KEPT_OF_EACH] + note + printed[-KEPT_OF_EACH:]
    assert (tmp_path / "log").read_bytes() == expected
