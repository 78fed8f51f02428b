"""Where this cannot run it says so at once, before an import fails that others understand less."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from artifactbuild import supported
from artifactbuild.problems import Refusal
from artifactbuild.release import environment
from artifactbuild.worker.server import Server

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

LACKING = ("fcntl", "grp", "pwd", "resource", "termios")
"""Modules of Python's that Windows has not."""

CONTAINER = "run it in a Linux container or virtual machine"
WHY = "builds are forked, confined and published by what the Linux kernel has"
PLATFORMS = {
    "darwin": ("macOS", CONTAINER),
    "win32": ("Windows", "run it in WSL 2, or in a Linux container or virtual machine"),
    "freebsd14": ("freebsd14", CONTAINER),
}
DOORS = {
    "entry": "from artifactbuild.entry import main; main()",
    "module": "import runpy; runpy.run_module('artifactbuild', run_name='__main__')",
}


def run(fake: str, code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter that takes itself for a different one."""
    lacking = "".join(f"sys.modules[{name!r}] = None\n" for name in LACKING)
    start = f"import sys, runpy\n{fake}\n{lacking}sys.argv = ['artifactbuild', 'check']\n"
    return subprocess.run(
        [sys.executable, "-c", start + code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_another_system_is_refused(platform: str, door: str, tmp_path: Path) -> None:
    name, road = PLATFORMS[platform]
    ran = run(f"sys.platform = {platform!r}", DOORS[door], tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"system: is {name}, expected Linux: {WHY}\n    {road}\n"


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 14, 0), (4, 0, 0)])
def test_another_python_is_refused(version: tuple[int, int, int], tmp_path: Path) -> None:
    ran = run(f"sys.version_info = {version}", DOORS["entry"], tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        f"python: is {'.'.join(map(str, version))}, expected 3.10 to 3.13\n"
        "    make the virtual environment with one of these, `python3.13 -m venv .venv`, "
        "and install into it\n"
    )


def test_loading_is_refused_there_too(tmp_path: Path) -> None:
    code = """
import artifactbuild
try:
    artifactbuild.load('x')
except artifactbuild.Refusal as refused:
    print(refused)
"""
    ran = run("sys.platform = 'darwin'", code, tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"system: is macOS, expected Linux: {WHY}\n    {CONTAINER}\n"


def test_this_system_and_this_python_are_good() -> None:
    assert supported.refused() is None


@pytest.mark.parametrize(
    "version", ["2.18.0", "2.18.1", "2.19.0rc0", "2.20.0", "2.21.0", "2.21.99", "none"]
)
def test_tensorflow_of_the_range_is_good(version: str) -> None:
    environment.hold_tensorflow(version)


@pytest.mark.parametrize("version", ["1.15.5", "2.9.0", "2.17.1", "2.22.0", "2.22.0rc1", "3.0.0"])
def test_tensorflow_that_was_not_tested_is_refused(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {"keras": environment.installed("keras"), "tensorflow": version}
    monkeypatch.setattr(environment, "installed", here.__getitem__)
    with pytest.raises(Refusal) as refused, Server():
        pass
    assert str(refused.value) == (
        f"tensorflow: is {version}, expected 2.18 to 2.21: others were not tested\n"
        "    run `pip install 'tensorflow>=2.18,<2.22'`"
    )


def test_ranges_are_those_that_the_project_declares() -> None:
    assert PROJECT["requires-python"] == ">=3.10,<3.14"
    assert supported.PYTHON == ((3, 10), (3, 13))
    asked = [each for each in PROJECT["dependencies"] if each.startswith("tensorflow")]
    assert asked == [
        "tensorflow>=2.18,<2.22; python_version < '3.13'",
        "tensorflow>=2.20,<2.22; python_version >= '3.13'",
    ]
    assert supported.TENSORFLOW == ((2, 18), (2, 21))


def test_classifiers_name_each_python_of_the_range() -> None:
    said = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert said == ["3.10", "3.11", "3.12", "3.13"]
