"""The verbs that look at things run none of them: not the project's code, not an artifact's."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from artifactbuild import verification
from artifactbuild.problems import Refusal
from artifactbuild.release import environment
from artifactbuild.targets import Target
from artifactbuild.worker.server import Server
from tests.hostile.ground import resealed
from tests.release import kept

MODULES = (
    "sitecustomize.py",
    "usercustomize.py",
    "conftest.py",
    "setup.py",
    "yaml.py",
    "click.py",
    "jinja2/__init__.py",
    "numpy.py",
    "tensorflow.py",
    "keras.py",
    "artifactbuild_plugin.py",
)
"""What Python, pytest or our own imports would take, if this folder were searched for modules."""

KERAS = "keras>=3.15.1" if sys.version_info >= (3, 11) else "keras>=3.12.4,<3.13"
"""What of Keras this Python can have."""

VERBS = (
    ["check"],
    ["plan"],
    ["show"],
    ["card"],
    ["verify"],
    ["verify", "artifacts"],
    ["check", "--json"],
    ["verify", "--json"],
)


@pytest.fixture
def armed(project: Path) -> Path:
    """Lay out a project in which every file that can be run says so; return its marker."""
    root, marker = kept.lay_out(project), project.parent / "marker"
    shout = f"open({str(marker)!r}, 'a').write(__file__ + chr(10))\n"
    for name in MODULES:
        for folder in (project, project / "dense", root, root / "dense" / "keras"):
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(shout)
    source = project / "dense" / "model.py"
    source.write_text(shout + source.read_text())
    (project / "dense" / "model.artifact.lock").unlink()
    for name in ("keras", "h5"):
        folder = root / "dense" / name / "v1"
        (folder / "sitecustomize.py").write_text(shout)
        with zipfile.ZipFile(folder / "reference.npz", "a") as archive:
            archive.writestr("sitecustomize.py", shout)
        resealed(folder)
    return marker


@pytest.mark.parametrize("start", ["-c", "-m"])
@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
def test_verb_executes_nothing(armed: Path, arguments: list[str], start: str) -> None:
    script = "import sys; sys.path.remove(''); from artifactbuild.cli import main; main()"
    command = [sys.executable, *{"-c": ["-c", script], "-m": ["-m", "artifactbuild"]}[start]]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert not armed.exists(), armed.read_text()


def test_static_verification_executes_nothing(armed: Path, server: Server, tmp_path: Path) -> None:
    for name in kept.FORMATS:
        target = Target(folder=Path("artifacts/dense", name, "v1").absolute())
        held = verification.held(target)
        verification.inspected(target, held, (), server, tmp_path / name)
    assert not armed.exists(), armed.read_text()


def test_control_a_build_runs_the_project(
    armed: Path, project: Path, build: Callable[[Path], object]
) -> None:
    shutil.rmtree(project / "artifacts")
    with suppress(Refusal):
        build(project / "dense" / "model.artifact.yaml")
    assert armed.exists(), "the marker would be written, if something ran"


@pytest.mark.parametrize(
    ("version", "good"),
    [
        ("3.12.3", False),
        ("3.12.4", True),
        ("3.13.0", False),
        ("3.15.0", False),
        ("3.15.1", True),
        ("3.16.0", True),
        ("4.0.0", True),
        ("none", False),
    ],
)
def test_keras_below_its_floor_is_refused(version: str, good: bool) -> None:
    if good:
        environment.hold_keras(version, {})
        return
    with pytest.raises(Refusal) as refused:
        environment.hold_keras(version, {})
    assert str(refused.value) == (
        f"keras: is {version}, expected 3.15.1 or 3.12.4, or newer: older ones run code of hostile "
        f"files\n    run `pip install -U {KERAS!r}`"
    )


@pytest.mark.parametrize("value", ["1", "true", "True"])
def test_legacy_keras_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", value)
    with pytest.raises(Refusal) as refused, Server():
        pass
    assert str(refused.value) == (
        f"TF_USE_LEGACY_KERAS: is {value!r}: legacy Keras runs the bytecode of any file it loads\n"
        "    run `unset TF_USE_LEGACY_KERAS`"
    )
