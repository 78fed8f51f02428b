"""One cause, twelve manifests: told once, and accepted by one command."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from artifactbuild import pipeline
from artifactbuild.cli import run
from artifactbuild.commands import workers
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.release import environment
from artifactbuild.release.digest import of_folder
from artifactbuild.worker.server import Server
from tests.benchmarks.many import FIRST, multiply
from tests.relock.projects import change_the_model, edit, lay, locks, rename_a_local, texts

COUNT = 12
NAMES = [f"m{number:04}" for number in range(COUNT)]
VERSIONS = ", ".join(f"{name} v1" for name in NAMES)
IF = "`artifactbuild relock` if the models are still the same, else `artifactbuild bump`"
NUMPY = (
    "environment-changed  numpy {before} → 9.9.9 since 12 versions were released: a rebuild may "
    "give other bytes  `artifactbuild relock{paths}`\n"
)

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def released(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release twelve versions, of which one was really built."""
    project = tmp_path_factory.mktemp("twelve") / "project"
    project.mkdir()
    manifest = lay(project, FIRST, "weights")
    pipeline.build(job(load(manifest), None), server, lambda text: None)
    multiply(project, COUNT)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(project)
        assert run(["build"]) == 0
    return project


@pytest.fixture
def here(
    released: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    server: Server,
) -> Path:
    project = tmp_path / "project"
    shutil.copytree(released, project, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(project)
    monkeypatch.setattr(workers, "server", lambda wish: nullcontext(server))
    capsys.readouterr()
    return project


def good(name: str) -> str:
    return f"manifests/{name}/model.artifact.yaml: {name} v1 is good\n"


def test_upgrade_of_a_library_is_one_line_and_one_relock(
    here: Path, numpy_9: Callable[[], None], capsys: Capture
) -> None:
    before = locks()[FIRST]["environment"]["numpy"]
    others, published = texts(), of_folder(here / "artifacts")
    numpy_9()
    assert run(["check"]) == 0
    told = "".join(map(good, NAMES)) + NUMPY.format(before=before, paths="")
    assert capsys.readouterr() == (told, "")
    assert run(["check", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [[each["name"] for each in one["drift"]] for one in answer["manifests"]] == [
        ["environment-changed"] for _ in NAMES
    ]
    assert {key for one in answer["manifests"] for each in one["drift"] for key in each} == {
        *("name", "sentence", "repair", "error", "problem")
    }
    assert run(["check", "--format", "github"]) == 0
    assert capsys.readouterr().out == (
        "::notice file=manifests/m0000/model.artifact.yaml,line=3,col=10::environment-changed: "
        f"numpy {before} → 9.9.9 since 12 versions were released: a rebuild may give other bytes "
        f"({VERSIONS})%0A{IF}\n"
    )
    assert run(["relock"]) == 0
    out = capsys.readouterr().out
    assert out.count(f"  library  accepted      numpy {before} → 9.9.9\n") == COUNT
    assert texts() == others, "nothing but the inputs changed in the locks, to the byte"
    assert {name: each["version"] for name, each in locks().items()} == dict.fromkeys(NAMES, "v1")
    for each in locks().values():
        assert each["inputs"]["environment"] == {"numpy": "9.9.9"}
    assert of_folder(here / "artifacts") == published
    assert run(["check"]) == 0
    assert capsys.readouterr().out == "".join(map(good, NAMES))
    assert run(["verify"]) == 0
    assert capsys.readouterr().out.count("  record and lock  ") == COUNT
    assert run(["reproduce", f"manifests/{FIRST}", "manifests/m0011"]) == 0
    out = capsys.readouterr().out
    assert "drift" not in out
    assert out.count("  weights  identical  5 files\n  lock     identical\n") == 2
    shutil.rmtree(here / "artifacts" / FIRST)
    assert run(["build", f"manifests/{FIRST}"]) == 0
    assert of_folder(here / "artifacts" / FIRST) == {
        name.partition("/")[2]: each
        for name, each in published.items()
        if name.startswith(f"{FIRST}/")
    }


@pytest.mark.slow
def test_environment_of_the_release_stays_as_good_as_the_one_that_was_accepted(
    here: Path, numpy_9: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    numpy_9()
    assert run(["relock", f"manifests/{FIRST}"]) == 0
    monkeypatch.undo()
    environment._version.cache_clear()
    monkeypatch.chdir(here)
    capsys.readouterr()
    assert run(["check", f"manifests/{FIRST}"]) == 0
    assert capsys.readouterr().out == good(FIRST)


@pytest.mark.parametrize("paths", [[], ["manifests"], ["manifests", "manifests/m0003"]])
def test_what_was_said_before_is_said_again_at_once(
    here: Path, numpy_9: Callable[[], None], paths: list[str]
) -> None:
    """By the door that parses no arguments, as by the command itself."""
    before = locks()[FIRST]["environment"]["numpy"]
    numpy_9()
    script = (
        "import sys\nfrom artifactbuild.entry import main\n"
        "try:\n    main()\nfinally:\n    print('click' in sys.modules, file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", script, "check", *paths]
    first, again = (
        subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)
    )
    arguments = "".join(f" {path}" for path in paths)
    assert first.stdout == "".join(map(good, NAMES)) + NUMPY.format(before=before, paths=arguments)
    assert again.stdout == first.stdout
    assert (first.stderr, again.stderr) == ("True\n", "False\n")


def test_upgrade_that_one_version_saw_is_told_of_it(
    here: Path, numpy_9: Callable[[], None], capsys: Capture
) -> None:
    before = locks()[FIRST]["environment"]["numpy"]
    numpy_9()
    assert run(["check", f"manifests/{FIRST}"]) == 0
    assert capsys.readouterr().out == (
        f"{good(FIRST)}  environment-changed  the environment changed (numpy {before} → 9.9.9) "
        "since v1 was released: a rebuild may give other bytes  `artifactbuild relock "
        f"manifests/{FIRST}/model.artifact.yaml`\n"
    )


def test_source_under_all_of_them_is_one_problem(here: Path, capsys: Capture) -> None:
    rename_a_local()
    told = f"source-changed: shared.py changed since 12 versions were released ({VERSIONS})"
    problem = f"shared.py: {told}\n    {IF}\n1 problem\n"
    assert run(["check"]) == 1
    assert capsys.readouterr() == ("", problem)
    assert run(["build"]) == 1
    assert capsys.readouterr() == ("", problem)
    assert run(["plan"]) == 0
    out = capsys.readouterr().out
    assert out.count(": released, and changed since then\n") == COUNT
    assert out.endswith(f"\n{told}: {IF}\n")
    assert out.count("artifactbuild relock") == 1
    annotation = f"::error file=shared.py::{told}%0A{IF}\n"
    for verb, code in (("check", 1), ("plan", 0)):
        assert run([verb, "--format", "github"]) == code
        assert capsys.readouterr().out == annotation
    assert run(["check", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert [(each["file"], each["message"]) for each in answer["problems"]] == [("shared.py", told)]
    assert [len(each["drift"]) for each in answer["manifests"]] == [1] * COUNT
    assert run(["relock"]) == 0
    assert run(["check"]) == 0


def test_command_names_the_manifests_where_they_are_not_all(here: Path, capsys: Capture) -> None:
    for name in NAMES[2:]:
        shutil.rmtree(f"manifests/{name}")
    (here / "other.py").write_text((here / "shared.py").read_text())
    lay_other = here / "manifests" / "other" / "model.artifact.yaml"
    lay_other.parent.mkdir()
    first = Path("manifests/m0000/model.artifact.yaml").read_text()
    lay_other.write_text(first.replace("name: m0000", "name: other").replace("shared:", "other:"))
    rename_a_local()
    assert run(["check"]) == 1
    files = "manifests/m0000/model.artifact.yaml manifests/m0001/model.artifact.yaml"
    assert capsys.readouterr().err == (
        "shared.py: source-changed: shared.py changed since 2 versions were released "
        "(m0000 v1, m0001 v1)\n"
        f"    `artifactbuild relock {files}` if the models are still the same, else "
        f"`artifactbuild bump {files}`\n1 problem\n"
    )


def test_problem_of_one_stands_beside_that_of_all(here: Path, capsys: Capture) -> None:
    """And a manifest that has both is told of both."""
    rename_a_local()
    edit("manifests/m0001/model.artifact.yaml", "name: rows", "name: lines")
    for verb in ("check", "build"):
        assert run([verb]) == 1
        err = capsys.readouterr().err
        assert "shared.py changed since 11 versions were released (m0000 v1, m0002 v1" in err
        assert "manifests/m0001/model.artifact.yaml:4:10: " in err or verb == "build"
        assert "manifests/m0001/model.artifact.yaml" in err
        assert "`reference_inputs` in the manifest changed" in err
        assert "`artifactbuild bump manifests/m0001/model.artifact.yaml`" in err


@pytest.mark.slow
def test_failure_of_one_does_not_stop_the_others(here: Path, capsys: Capture) -> None:
    rename_a_local()
    text = (here / "shared.py").read_text()
    edit("manifests/m0002/model.artifact.yaml", "shared:make_model", "shared:make_other")
    (here / "shared.py").write_text(text + "\n\ndef make_other() -> None:\n    return None\n")
    Path("manifests/m0003/model.artifact.yaml").write_text("name: [\n")
    change_the_model_of_one(here)
    before = locks()
    assert run(["relock"]) == 1
    out, err = capsys.readouterr()
    after = locks()
    same = ["m0002", "m0003", "m0004"]
    assert [name for name in NAMES if after[name] == before[name]] == same
    assert out.count("  weights  same payload  7 checks\n") == COUNT - len(same)
    assert "m0004 v1: 1 layer changed, contract unchanged, " in out
    for name in same:
        assert f"manifests/{name}/model.artifact.yaml:" in err


def change_the_model_of_one(here: Path) -> None:
    (here / "own.py").write_text((here / "shared.py").read_text())
    change_the_model("own.py")
    edit("manifests/m0004/model.artifact.yaml", "shared:make_model", "own:make_model")
