"""`reproduce`, as users run it: real rebuilds, in processes and places of their own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.pipeline import Outcome
from artifactbuild.release.digest import of_folder
from artifactbuild.reproduction.conditions import NAMES, lacking, named
from artifactbuild.reproduction.nouns import Released
from artifactbuild.reproduction.rebuild import LOG
from tests.hints.following import follow
from tests.reproduction.projects import committed, edit, git, write_lock

SAMPLES = Path(__file__).parents[1] / "samples"
Copy = Callable[[Path], Path]
Build = Callable[[Path], Outcome]

IMPATIENT = """\
import os
import time

import keras


def make_model(kind):
    inputs = keras.Input((4,), name="x")
    first = {"clock": time.time_ns, "random": lambda: os.urandom(4)[0], "home": home}[kind]()
    outputs = keras.layers.Dense(
        2, name="y", bias_initializer=keras.initializers.Constant(first % 1000)
    )(inputs)
    return keras.Model(inputs, outputs, name="hasty")


def home():
    return len(os.environ["HOME"])
"""
MANIFEST = """\
schema_version: 1
name: {kind}
version: v1
factory: model:make_model
kwargs: {{kind: {kind}}}
formats: [keras]
reference_inputs:
  - name: rows
    x: {{normal: true, shape: [8, 4]}}
"""


def test_released_version_is_made_again_from_its_revision(
    copied: Copy, build: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = copied(SAMPLES / "dense")
    manifest.write_text(manifest.read_text().replace("[savedmodel, keras, h5, weights]", "[h5]"))
    Path(".gitignore").write_text("artifacts/\n")
    build(manifest)
    committed("released")
    shutil.rmtree("artifacts")
    edit(manifest)
    before = of_folder(Path.cwd())
    assert run(["reproduce"]) == 1
    assert "`artifactbuild reproduce dense/model.artifact.yaml --from REV`" in (
        capsys.readouterr().err
    )
    assert run(["reproduce", "--from", "HEAD"]) == 0
    out, err = capsys.readouterr()
    assert out == "dense v1 from HEAD\n  h5    identical  4 files\n  lock  identical\n"
    assert err.splitlines()[:2] == ["dense v1 again: another process", "dense v1: factory"]
    git("status")  # the one thing that may touch the index
    assert {n: d for n, d in of_folder(Path.cwd()).items() if n != ".git/index"} == {
        n: d for n, d in before.items() if n != ".git/index"
    }


def test_everything_changed_at_once_makes_no_difference(
    every: Released, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every condition that can be had here, but for a user who may not read this folder, and for
    those that are another one's contrary."""
    apart = ("process", "user", "two-cores")
    names = [name for name in NAMES if name not in apart and not lacking(named(name))]
    assert {"models", "folder", "path", "hash-seed", "home", "threads"} <= set(names)
    folder = str(every.work.loaded.project)
    assert run(["reproduce", folder, f"--vary={'+'.join(names)}"]) == 0
    out = capsys.readouterr().out
    assert re.fullmatch(r"every v1\n  other models made before .*  identical\n", out), out


@pytest.mark.parametrize(
    ("kind", "arguments"), [("clock", []), ("random", []), ("home", ["--vary=home"])]
)
def test_factory_that_reads_more_than_its_inputs_is_caught(
    project: Path,
    build: Build,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    arguments: list[str],
) -> None:
    Path("model.py").write_text(IMPATIENT)
    manifest = Path("model.artifact.yaml")
    manifest.write_text(MANIFEST.format(kind=kind))
    build(manifest)
    assert run(["reproduce", *arguments]) == 1
    said = " ".join(capsys.readouterr().out.split())
    what = (
        r"model.keras: member 'config.json': "
        r"config.layers\[1\].config.bias_initializer.config.value is \d+(\.0)?, was \d+(\.0)?"
    )
    before = "another home differs keras: " if arguments else "keras differs "
    assert re.search(f"{before}(MODEL_CARD.md: .*)?{what}", said), said


def test_condition_that_cannot_be_had_is_no_failure(
    manifest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path.cwd()))
    assert run(["reproduce", "--vary=clock,order"]) == 0
    assert capsys.readouterr().out == (
        "dense v1\n"
        "  another clock and time zone       not available  faketime is not installed\n"
        "  folders listed in reversed order  not available  disorderfs is not installed\n"
    )


def test_child_that_ends_without_an_answer_is_told(
    manifest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artifactbuild.reproduction.rebuild.ENTRY", "import sys; sys.exit('gone')")
    assert run(["reproduce"]) == 1
    out, err = capsys.readouterr()
    assert out == "dense v1\n  not built\n"
    assert err.splitlines()[2:] == [
        "dense/model.artifact.yaml: the rebuild ended with exit code 1: gone",
        "    `--keep` keeps its log for a look",
    ]
    follow(err, "`--keep` keeps its log for a look")
    assert run(["reproduce", "--keep"]) == 1
    (kept,) = re.findall(r"kept for a look: (\S+)", capsys.readouterr().err)
    assert Path(kept, LOG).read_text().strip() == "gone"


def test_problem_of_the_rebuild_is_named_as_in_the_project(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that the factory needs and nothing lists is not in the copy outside of git."""
    source = manifest.parent / "model.py"
    source.write_text(source.read_text() + "\n\nopen('unlisted.txt')\n")
    (manifest.parent / "unlisted.txt").touch()
    write_lock(manifest)
    assert run(["reproduce"]) == 1
    err = capsys.readouterr().err
    assert (
        "dense/model.artifact.yaml:4:10: importing 'model' raised FileNotFoundError: [Errno 2] No "
        "such file or directory: 'unlisted.txt'"
    ) in err
