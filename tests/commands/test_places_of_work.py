"""Where people work: the shell's completion and the pre-commit hook, by the real bash and git."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
HOOK = "artifactbuild-check"


def shell(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command with this interpreter's scripts on the path."""
    known = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **environ}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=known)


COMPLETE = """
eval "$(_ARTIFACTBUILD_COMPLETE=bash_source artifactbuild)"
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
compopt() {{ :; }}
_artifactbuild_completion artifactbuild
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("artifactbuild b", ["build", "bump"]),
        ("artifactbuild init --form", ["--format"]),
        ("artifactbuild init m:f --format k", ["keras"]),
        ("artifactbuild check --js", ["--json"]),
    ],
)
def test_bash_completes_verbs_options_and_formats(words: str, offered: list[str]) -> None:
    shown = shell("bash", "-c", COMPLETE.format(words=words))
    assert (shown.stdout.split(), shown.stderr) == (offered, "")


def test_bash_completes_files_where_a_manifest_is_asked_for() -> None:
    asked = {"_ARTIFACTBUILD_COMPLETE": "bash_complete", "COMP_WORDS": "artifactbuild check m"}
    shown = shell("artifactbuild", **asked, COMP_CWORD="2")
    assert shown.stdout == "file,m\n"


def test_completion_imports_nothing_heavy() -> None:
    code = (
        "import atexit, sys\n"
        "from artifactbuild.cli import main\n"
        "heavy = ('tensorflow', 'keras', 'numpy', 'h5py')\n"
        "atexit.register(lambda: print([n for n in heavy if n in sys.modules], file=sys.stderr))\n"
        "main()\n"
    )
    asked = {"_ARTIFACTBUILD_COMPLETE": "bash_complete", "COMP_WORDS": "artifactbuild "}
    shown = shell(sys.executable, "-c", code, **asked, COMP_CWORD="1")
    assert "plain,check" in shown.stdout
    assert shown.stderr == "[]\n"


@pytest.fixture
def repository(project: Path) -> Path:
    """Give a git repository with a manifest and its hook."""
    shutil.copytree(ROOT / "tests" / "samples" / "dense", project / "dense")
    (project / "dense" / "manifest.yaml").rename(project / "dense" / "model.artifact.yaml")
    (project / ".pre-commit-config.yaml").write_text(
        "repos:\n"
        "  - repo: local\n"
        "    hooks:\n"
        + (ROOT / ".pre-commit-hooks.yaml")
        .read_text()
        .replace("\n", "\n      ")
        .join(["      ", "\n"]),
        encoding="utf-8",
    )
    shell("git", "init", "-q")
    shell("git", "add", "-A")
    return project


def test_hook_lets_a_good_manifest_through_and_stops_a_bad_one(repository: Path) -> None:
    pytest.importorskip("pre_commit", reason="pip install pre-commit")
    run = [sys.executable, "-m", "pre_commit", "run", HOOK, "--verbose"]
    home = {"PRE_COMMIT_HOME": str(repository.parent / "home")}
    good = shell(*run, **home)
    assert (good.returncode, "dense v1 is good" in good.stdout) == (0, True), good.stdout
    manifest = repository / "dense" / "model.artifact.yaml"
    manifest.write_text(manifest.read_text().replace("keras", "kears"))
    shell("git", "add", "-A")
    bad = shell(*run, **home)
    assert bad.returncode == 1
    assert "unknown format 'kears'" in bad.stdout
