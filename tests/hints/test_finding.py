"""Hints on manifests that are not found, not read or not there yet are followed."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.commands import init
from artifactbuild.manifest import files
from artifactbuild.worker.server import Server
from tests.hints.following import follow, obey
from tests.manifest.test_load import GOOD, write

NAME = "model.artifact.yaml"
FIRST = "remove it, and `artifactbuild init MODULE:FACTORY` writes a first manifest"
WRITES_ONE = "a manifest is a file named model.artifact.yaml; `artifactbuild init` writes one"
MODEL = Path(__file__).parents[1] / "samples" / "dense" / "model.py"

Say = Callable[..., str]


@pytest.fixture
def refused(project: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command that fails; return what it says."""

    def said(*arguments: str) -> str:
        assert run(arguments) == 1
        return capsys.readouterr().err

    return said


def test_folder_that_has_a_manifest_is_named(project: Path, refused: Say) -> None:
    write(project / "models" / NAME)
    follow(refused("check", "elsewhere"), "name a model.artifact.yaml or a folder that has one")
    assert run(["check", "models"]) == run(["check", f"models/{NAME}"]) == 0
    follow(refused("check", "modles"), "did you mean {}?")


def test_manifest_is_copied_into_the_project(project: Path, tmp_path: Path, refused: Say) -> None:
    outside = write(tmp_path / "outside" / NAME)
    inside = write(project / "models" / NAME)
    inside.unlink()
    inside.symlink_to(outside)
    follow(refused("check", str(inside)), "copy the manifest into the project")
    inside.unlink()
    shutil.copyfile(outside, inside)
    assert run(["check", str(inside)]) == 0


def test_link_that_leads_in_a_circle_is_replaced_by_a_file(project: Path, refused: Say) -> None:
    manifest = write(project / "models" / NAME)
    manifest.unlink()
    manifest.symlink_to(NAME)
    follow(refused("check", str(manifest)), "replace it with a file")
    manifest.unlink()
    manifest.write_text(GOOD)
    assert run(["check", str(manifest)]) == 0


def test_manifest_that_is_too_large_is_split_up(project: Path, refused: Say) -> None:
    manifest = write(project / NAME, GOOD + "# more\n" * 200_000)
    follow(refused("check"), "split it up")
    manifest.write_text(GOOD)
    assert run(["check"]) == 0


@pytest.mark.parametrize("made", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_module_that_is_no_file_is_replaced(
    project: Path, refused: Say, made: Callable[[Path], None]
) -> None:
    write(project / NAME)
    module = project / "model.py"
    module.unlink()
    made(module)
    follow(refused("check"), "replace it with a file")
    module.rename(project / "away")
    module.write_text("def make_model(): ...\n")
    assert run(["check"]) == 0


def test_module_is_made_smaller(project: Path, refused: Say) -> None:
    write(project / NAME)
    module = project / "model.py"
    small = module.read_text()
    module.write_text(small + "# more\n" * (files.MAX_SOURCE // 7 + 1))
    follow(refused("check"), "let it be a readable file of at most {} MB")
    module.write_text(small)
    assert run(["check"]) == 0


@pytest.mark.parametrize("what", ["module", "file"])
def test_what_a_link_leads_to_is_copied(
    project: Path, tmp_path: Path, refused: Say, what: str
) -> None:
    write(project / NAME, GOOD + ("card: {template: card.md}\n" if what == "file" else ""))
    path = project / ("card.md" if what == "file" else "model.py")
    outside = tmp_path / path.name
    outside.write_text("def make_model(): ...\n")
    path.unlink(missing_ok=True)
    path.symlink_to(outside)
    follow(refused("check"), "copy the file into the project")
    path.unlink()
    shutil.copyfile(outside, path)
    assert run(["check"]) == 0


def test_bump_goes_to_another_version(project: Path, refused: Say) -> None:
    write(project / NAME)
    next_one = "run `artifactbuild bump {}` for the next one, or name one with --to"
    (manifest,) = follow(refused("bump", "--to", "v1", NAME), next_one)
    assert obey(f"artifactbuild bump {manifest}") == 0
    assert run(["bump", "--to", "v3"]) == 0
    assert run(["check"]) == 0


def test_bump_goes_to_the_nearest_that_is_a_version(project: Path, refused: Say) -> None:
    write(project / NAME)
    version, manifest = follow(
        refused("bump", "--to", "version 2", NAME), "run `artifactbuild bump --to {} {}`"
    )
    assert obey(f"artifactbuild bump --to {version} {manifest}") == 0
    assert run(["check"]) == 0


def test_models_of_one_name_are_renamed(project: Path, refused: Say) -> None:
    write(project / "one" / NAME)
    other = write(project / "two" / NAME)
    follow(refused("check"), "rename one of the two")
    other.write_text(GOOD.replace("my_model", "my_other_model"))
    assert run(["check"]) == 0


@pytest.fixture
def shared(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `init` use the TensorFlow process of all tests."""
    monkeypatch.setattr(init, "Server", lambda **known: contextlib.nullcontext(server))


def test_first_manifest_is_written_by_init(project: Path, refused: Say, shared: None) -> None:
    shutil.copy(MODEL, project / "dense.py")
    asked = ["init", "dense:make_model", "--format", "weights"]
    follow(refused("check", "."), WRITES_ONE)
    Path(NAME).write_text("# nothing yet\n")
    follow(refused("check"), FIRST)
    Path(NAME).unlink()
    assert run(asked) == 0
    assert run(["check"]) == 0
    follow(
        refused(*asked),
        "edit it, or name another folder and model: `--folder FOLDER --name NAME`",
    )
    follow(refused(*asked, "--folder", "more"), "name another with --name")
    assert run([*asked, "--folder", "more", "--name", "other"]) == 0
    assert run(["check"]) == 0


def test_format_that_cannot_be_is_left_out(project: Path, refused: Say, shared: None) -> None:
    factory = "def make_model():\n    import keras\n    x = keras.Input((4,), name='x')\n"
    Path("power.py").write_text(f"{factory}    return keras.Model(x, keras.ops.exp(x))\n")
    asked = ["init", "power:make_model", "--format", "keras"]
    follow(refused(*asked, "--format", "h5"), "leave it out of --format")
    assert run(asked) == 0
    assert run(["check"]) == 0
