"""The verbs, as users run them: output, exit codes, and what they never import."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.pipeline import Outcome

DENSE = Path(__file__).parents[1] / "samples" / "dense"
Copy = Callable[[Path], Path]
Build = Callable[[Path], Outcome]

HEAVY = ("tensorflow", "keras", "numpy", "h5py")


@pytest.fixture
def manifest(copied: Copy) -> Path:
    return copied(DENSE)


def test_plan_says_what_and_why(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan"]) == 0
    assert capsys.readouterr().out == (
        "dense v1: 4 to build (`artifactbuild build dense/model.artifact.yaml`)\n"
        "  savedmodel  build  v1 is new\n"
        "  keras       build  v1 is new\n"
        "  h5          build  v1 is new\n"
        "  weights     build  v1 is new\n"
    )


def test_plan_as_json(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--json"]) == 0
    (plan,) = json.loads(capsys.readouterr().out)
    assert plan["steps"][1] == {
        "action": "build",
        "changes": [],
        "format": "keras",
        "impossible": False,
        "options": {"tolerance": {"atol": 1e-06, "rtol": 1e-05}},
        "reason": "v1 is new",
    }


def test_check_of_a_good_manifest(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check"]) == 0
    assert capsys.readouterr().out == (
        "dense/model.artifact.yaml: dense v1 is good\n"
        "  not-locked  v1 was never built: there is no lock  "
        "`artifactbuild build dense/model.artifact.yaml`\n"
    )


def test_problems_go_to_stderr_and_exit_1(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest.write_text(manifest.read_text().replace("weights]", "weihts]"))
    assert run(["check"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "dense/model.artifact.yaml:5:34: unknown format 'weihts'\n"
        "    formats: [savedmodel, keras, h5, weihts]\n"
        "                                     ^ did you mean 'weights'? "
        "formats are: h5, keras, onnx, savedmodel, tflite, weights, weights_h5\n"
        "1 problem\n"
    )


def test_problems_as_json(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest.write_text(manifest.read_text() + "sed: 1\n")
    assert run(["check", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["kept"] is None
    (problem,) = found["problems"]
    assert (problem["line"], problem["message"]) == (9, "unknown key 'sed'")


def test_build_show_card_check_on_a_real_build(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["build"]) == 0
    out, err = capsys.readouterr()
    assert re.sub(r" +\d+ checks +", " ", re.sub("written +", "written ", out)) == (
        "dense v1\n"
        "  savedmodel  published artifacts/dense/savedmodel/v1\n"
        "  keras       published artifacts/dense/keras/v1\n"
        "  h5          published artifacts/dense/h5/v1\n"
        "  weights     published artifacts/dense/weights/v1\n"
        "  lock        written dense/model.artifact.lock\n"
    )
    assert err.splitlines()[:3] == [
        "dense v1: factory",
        "dense v1: reference",
        "dense v1: writing weights",
    ]
    assert [line.rpartition(" ")[2] for line in err.splitlines() if ": writing " in line] == [
        *("weights", "h5", "keras", "savedmodel")
    ]
    assert "oneDNN" not in err
    assert run(["show"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("dense (manifest: v1)\n  v1  h5  ")
    assert len(shown.splitlines()) == 5
    assert run(["card", "--format", "keras"]) == 0
    card = Path("artifacts/dense/keras/v1/MODEL_CARD.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == card
    assert run(["build", "--json"]) == 0
    (outcome,) = json.loads(capsys.readouterr().out)
    assert {result["outcome"] for result in outcome["results"]} == {"up to date"}
    (manifest.parent / "model.py").write_text("def make_model():\n    pass\n")
    assert run(["check"]) == 1
    assert "source-changed: model.py changed since v1 was released" in capsys.readouterr().err


def test_one_failed_manifest_does_not_stop_the_others(
    manifest: Path, copied: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(Path(__file__).parents[1] / "faults" / "factory_raises")
    manifest.write_text(manifest.read_text().replace("[savedmodel, keras, h5, weights]", "[h5]"))
    assert run(["build"]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"h5 +published", out)
    assert "the factory 'model:make_model' raised KeyError: 'nothing'" in err
    assert "kept for a look: artifacts/.failed/factory_raises/v1" in err


def test_card_of_what_is_not_published(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["card"]) == 1
    err = capsys.readouterr().err
    assert "dense v1 is not published" in err
    assert "run `artifactbuild build dense/model.artifact.yaml`" in err


def test_nothing_to_find(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build"]) == 1
    assert capsys.readouterr().err.startswith(".: no manifest in this folder\n")


@pytest.mark.parametrize(
    ("version", "arguments", "after"),
    [
        ("v1", [], "v2"),
        ("v9", [], "v10"),
        ("1.2.3", [], "1.2.4"),
        ("1.2.3", ["--minor"], "1.3.0"),
        ("1.2.3", ["--major"], "2.0.0"),
        ("1.2.3-rc1", [], "1.2.3"),
        ("'v1'", [], "'v2'"),
        ("v1  # first", [], "v2  # first"),
        ("v1", ["--to", "2.0.0"], "2.0.0"),
        ("1", [], "2"),
        ("'9'", [], "'10'"),
        ('"1"', ["--to", "3"], '"3"'),
        ("v1", ["--to", "3"], "3"),
        ("3  # served", ["--to", "v4"], "v4  # served"),
        ('"v\\x31"', [], '"v2"'),
    ],
)
def test_bump_changes_the_version_and_nothing_else(
    manifest: Path,
    capsys: pytest.CaptureFixture[str],
    version: str,
    arguments: list[str],
    after: str,
) -> None:
    text = "# a comment\n" + manifest.read_text()
    manifest.write_text(text.replace("version: v1", f"version: {version}"))
    assert run(["bump", "dense", *arguments]) == 0
    assert manifest.read_text() == text.replace("version: v1", f"version: {after}")
    assert capsys.readouterr().out.startswith("dense/model.artifact.yaml: ")


@pytest.mark.parametrize(
    ("to", "message", "hint"),
    [
        (
            "v1",
            "the version is 'v1' already",
            "run `artifactbuild bump dense/model.artifact.yaml` for the next one, or name one "
            "with --to",
        ),
        (
            "../x",
            "--to '../x' is no version, expected 1, v1 or a semantic version such as 1.0.0 or "
            "1.0.0-rc.1",
            "run `artifactbuild bump --to v2 dense/model.artifact.yaml`",
        ),
        (
            "1.10",
            "--to '1.10' is no version, expected 1, v1 or a semantic version such as 1.0.0 or "
            "1.0.0-rc.1",
            "run `artifactbuild bump --to 1.10.0 dense/model.artifact.yaml`",
        ),
    ],
)
def test_bump_to_what_cannot_be_writes_nothing(
    manifest: Path, capsys: pytest.CaptureFixture[str], to: str, message: str, hint: str
) -> None:
    before = manifest.read_bytes()
    assert run(["bump", "dense", "--to", to]) == 1
    assert capsys.readouterr().err == (
        f"dense/model.artifact.yaml:3:10: {message}\n"
        f"    version: v1\n             ^ {hint}\n1 problem\n"
    )
    assert manifest.read_bytes() == before
    command = re.findall("`artifactbuild (.*?)`", hint)[0]
    assert run(command.split()) == 0


def test_version_that_bump_cannot_edit_is_refused(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest.write_text(manifest.read_text().replace("version: v1", "version: |-\n  v1"))
    before = manifest.read_bytes()
    assert run(["bump", str(manifest)]) == 1
    assert capsys.readouterr().err == (
        "dense/model.artifact.yaml:3:10: the version is written in a way that `bump` does not "
        "edit\n    version: |-\n             ^ write version: v1\n1 problem\n"
    )
    assert manifest.read_bytes() == before


def test_wrong_usage_exits_2(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--nonsense"]) == 2
    assert run(["nonsense"]) == 2


def test_bug_exits_3_and_says_so(
    manifest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artifactbuild.examining.see", lambda *given: 1 / 0)
    assert run(["plan"]) == 3
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert err.endswith(
        "this is a bug of artifactbuild, not a mistake of yours: please report it\n"
    )


def test_interruption_exits_130(
    manifest: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("artifactbuild.examining.see", interrupt)
    assert run(["plan"]) == 130


LOCK = "dense/model.artifact.lock"


VERBS = (["check"], ["plan"], ["diff", LOCK, LOCK], ["show"], ["card"], ["--help"])


def test_verbs_never_import_heavy_modules(manifest: Path, build: Build) -> None:
    manifest.write_text(manifest.read_text().replace("[savedmodel, keras, h5, weights]", "[h5]"))
    build(manifest)
    for arguments in VERBS:
        code = (
            "import sys\n"
            "from artifactbuild.cli import run\n"
            f"code = run({arguments!r})\n"
            f"found = [name for name in {HEAVY!r} if name in sys.modules]\n"
            "print(code, found, file=sys.stderr)\n"
        )
        command = [sys.executable, "-c", code]
        shown = subprocess.run(command, capture_output=True, text=True, check=True)
        assert shown.stderr == "0 []\n", arguments


def test_module_runs_as_the_command_does(manifest: Path) -> None:
    command = [sys.executable, "-m", "artifactbuild", "check"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 0
    assert shown.stdout.startswith("dense/model.artifact.yaml: dense v1 is good\n")


def test_store_is_named_by_option_or_environment(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], build: Build
) -> None:
    manifest.write_text(manifest.read_text().replace("[savedmodel, keras, h5, weights]", "[h5]"))
    build(manifest)
    elsewhere = tmp_path / "elsewhere"
    shutil.move("artifacts", elsewhere)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "ARTIFACTBUILD_ARTIFACTS", str(elsewhere))
        assert run(["plan"]) == 0
    assert "h5  keep  up to date" in capsys.readouterr().out
    assert run(["plan", "--artifacts", str(elsewhere)]) == 0
    assert "h5  keep  up to date" in capsys.readouterr().out
