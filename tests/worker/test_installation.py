"""A library that cannot be imported is named, with its error and the command that repairs it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import cli
from artifactbuild.problems import Refusal
from artifactbuild.worker import installation
from artifactbuild.worker.server import Server

SAMPLE = Path(__file__).parents[1] / "samples" / "dense"
PYTHON = Path(sys.executable).name
NEWEST = sys.version_info >= (3, 13)
"""Whether this Python's libraries start at later versions than those of the others."""

TENSORFLOW = "tensorflow>=2.20,<2.22" if NEWEST else "tensorflow>=2.18,<2.22"
ONNX = "onnx>=1.18" if NEWEST else "onnx>=1.17"
KEEP_CURRENT = f"`{PYTHON} -m pip install --force-reinstall {TENSORFLOW!r}`"

BREAKS = {
    "a missing library": (
        "raise ImportError('libx.so.1: cannot open shared object file')",
        "ImportError: libx.so.1: cannot open shared object file",
    ),
    "a missing module": (
        "import not_there_at_all",
        "ModuleNotFoundError: No module named 'not_there_at_all'",
    ),
    "an instruction that the processor lacks": (
        "import os, signal; os.kill(os.getpid(), signal.SIGILL)",
        "the interpreter was killed by SIGILL",
    ),
    "an end": ("import os; os._exit(3)", "the interpreter ended with exit code 3"),
    "another error": ("raise RuntimeError('wrong ABI')", "RuntimeError: wrong ABI"),
}


def stub(folder: Path, name: str, code: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(code + "\n")


@pytest.mark.parametrize("kind", BREAKS)
def test_broken_library_is_named_once_for_all_manifests(
    kind: str,
    copied: Callable[[Path], Path],
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = BREAKS[kind]
    stub(tmp_path / "stubs", "tensorflow", code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stubs"))
    monkeypatch.setattr(installation, "LIBRARIES", ("tensorflow",))
    shutil.copytree(copied(SAMPLE).parent, project / "second")
    second = project / "second" / "model.artifact.yaml"
    second.write_text(second.read_text().replace("name: dense", "name: second"))
    assert cli.run(["build"]) == 1
    printed = capsys.readouterr()
    lines = [line for line in printed.err.splitlines() if ": factory" not in line]
    assert lines == [
        f"tensorflow: cannot be imported from {tmp_path / 'stubs'}: {said}",
        f"    take {tmp_path / 'stubs'} out of PYTHONPATH, or run {KEEP_CURRENT}",
        "1 problem",
    ]
    assert not (project / "artifacts" / ".failed").exists()


def test_first_library_that_fails_is_named(tmp_path: Path) -> None:
    stub(tmp_path / "stubs", "numpy", "raise ImportError('no')")
    stub(tmp_path / "stubs", "h5py", "import numpy")
    environment = {"PYTHONPATH": str(tmp_path / "stubs")}
    broken = installation.look(("numpy", "h5py"), environment)
    assert broken is not None
    (problem,) = broken.problems
    assert (problem.file, problem.line) == ("numpy", None)
    assert ("'numpy>=2.1'" if NEWEST else "'numpy>=2.0'") in problem.hint


def test_library_of_an_extra_is_asked_for_as_the_extra_does(tmp_path: Path) -> None:
    stub(tmp_path / "stubs", "onnx", "raise ImportError('no')")
    broken = installation.look(("onnx",), {"PYTHONPATH": str(tmp_path / "stubs")})
    assert broken is not None
    assert broken.problems[0].hint.endswith(f"--force-reinstall {ONNX!r}`")


def test_libraries_that_work_are_not_blamed() -> None:
    assert installation.look(("json",), {}) is None


def test_later_jobs_do_not_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub(tmp_path / "stubs", "tensorflow", "raise ImportError('no')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stubs"))
    monkeypatch.setattr(installation, "LIBRARIES", ("tensorflow",))
    with Server() as server:
        with pytest.raises(Refusal) as first:
            server.run("build", {}, tmp_path / "log")
        monkeypatch.setattr(installation, "look", None)
        with pytest.raises(Refusal) as second:
            server.run("build", {}, tmp_path / "log")
    assert second.value.problems == first.value.problems
