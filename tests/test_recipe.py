"""The README's check of a pull request, run on one whose every file is hostile.

The commands are those of the README, in its order, by bash as GitHub starts it; pip is real, and
takes artifactbuild from a wheel of this tree instead of an index.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.hostile.repositories import git
from tests.release import kept
from tests.test_readme import workflow

ROOT = Path(__file__).parents[1]

PYTHON = (
    *("setup.py", "conftest.py", "sitecustomize.py", "usercustomize.py", "hatch_build.py"),
    *("click.py", "re.py", "yaml.py", "zlib.py", "pip.py", "artifactbuild/__init__.py"),
    *("artifactbuild.py", "encodings/__init__.py", "evil/setup.py", "dense/click.py"),
)
PROGRAMS = ("git", "pip", "python", "tee", "bwrap", ".githooks/post-checkout")
TEXTS = {
    "requirements.txt": "./evil\n",
    "pip.conf": "[global]\nindex-url = file:///nowhere\n",
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "setup"\n'
    'backend-path = ["."]\n[project]\nname = "shop"\nversion = "1"\n',
    "setup.cfg": "[tool:pytest]\naddopts = -p conftest\n",
    ".gitattributes": "* filter=lfs diff=x merge=x\n",
    ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = ext::touch%20marker\n',
    ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1\n",
    "HEAD": "ref: refs/heads/main\n",
    "config": "[core]\n\tfsmonitor = ./git\n\tbare = false\n\tworktree = .\n",
    "objects/.keep": "",
    "refs/heads/main": "1" * 40 + "\n",
}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheels")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    pytest.importorskip("build")
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    return folder


@pytest.fixture
def runner(tmp_path: Path, wheels: Path) -> dict[str, str]:
    """Give the environment of a fresh runner, with a Python that has our dependencies alone."""
    place = tmp_path / "python"
    venv.create(place, with_pip=True)
    version = f"python{sysconfig.get_python_version()}"
    dependencies = place / "lib" / version / "site-packages" / "dependencies.pth"
    dependencies.write_text(sysconfig.get_path("purelib") + "\n")
    (tmp_path / "home").mkdir()
    return {
        "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_NO_DEPS": "1",
        "PIP_IGNORE_INSTALLED": "1",
    }


@pytest.fixture
def pull_request(project: Path) -> Path:
    """Make a repository with `main` and a hostile branch `pr`; return the marker of what ran."""
    marker = project.parent / "marker"
    kept.lay_out(project)
    shutil.rmtree(project / "artifacts")
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "release")
    git(project, "switch", "-qc", "pr")
    shout = f"open({str(marker)!r}, 'a').write(__file__ + chr(10))\n"
    files = dict.fromkeys(PYTHON, shout) | TEXTS
    files |= dict.fromkeys(PROGRAMS, f"#!/bin/sh\necho $0 >> '{marker}'\n")
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    for name in PROGRAMS:
        (project / name).chmod(0o755)
    source = project / "dense" / "model.py"
    source.write_text(shout + source.read_text())
    git(project, "add", "-A")
    git(project, "commit", "-qm", "an innocent pull request")
    return marker


def checkout(project: Path, place: Path) -> None:
    """Lay the pull request out as `actions/checkout` does."""
    git(place.parent, "clone", "-q", "--no-local", str(project), place.name)
    git(place, "checkout", "-q", "--detach", "origin/pr")


def test_pull_request_is_checked_and_runs_nothing(
    runner: dict[str, str], pull_request: Path, project: Path, tmp_path: Path
) -> None:
    place = tmp_path / "workspace"
    place.mkdir()
    said, codes = "", []
    for step in workflow("models")["jobs"]["check"]["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            place.rmdir()
            checkout(project, place)
        if "run" in step:
            done = step_of_bash(step["run"], place, runner)
            said, codes = said + done.stdout + done.stderr, [*codes, done.returncode]
    assert not pull_request.exists(), pull_request.read_text()
    assert codes == [0, 1, 0], said
    assert "dense v1 was released from other inputs" in said or "source-changed" in said
    assert "model.py" in (place / "diff.md").read_text()
    assert (tmp_path / "summary.md").read_text() == (place / "diff.md").read_text()


def test_control_what_the_pull_request_names_would_run(
    runner: dict[str, str], pull_request: Path, project: Path, tmp_path: Path
) -> None:
    place = tmp_path / "workspace"
    checkout(project, place)
    step_of_bash("pip install artifactbuild -r requirements.txt", place, runner)
    assert pull_request.exists()
    assert "evil" in pull_request.read_text()


def step_of_bash(
    command: str, place: Path, environ: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command as GitHub runs a step, in the workspace."""
    bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
    return subprocess.run(bash, cwd=place, env=environ, capture_output=True, text=True, check=False)
