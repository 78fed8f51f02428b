"""Nothing changed: the same words, from next to nothing imported and opened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.index.location import file_of
from artifactbuild.outcome import Outcome
from tests.benchmarks.many import FIRST, multiply

Copy = Callable[[Path], Path]
Build = Callable[[Path], Outcome]

SAMPLE = Path(__file__).parents[1] / "samples" / "dense"
COUNT = 50

OURS = {
    "artifactbuild",
    "artifactbuild.causes",
    "artifactbuild.entry",
    "artifactbuild.index",
    "artifactbuild.index.entries",
    "artifactbuild.index.location",
    "artifactbuild.manifest",
    "artifactbuild.manifest.find",
    "artifactbuild.release",
    "artifactbuild.release.fingerprint",
    "artifactbuild.searching",
    "artifactbuild.supported",
    "artifactbuild.unchanged",
    "artifactbuild.visible",
}
"""All of ours that a command may import to learn that nothing changed."""

LIBRARY = {"__future__", "gc", "zlib"}
"""The same of Python's own."""

SCRIPT = """
import sys

bare = set(sys.modules)
events = []
sys.addaudithook(lambda event, arguments: events.append((event, arguments)))

import artifactbuild.entry
before = len(events)
try:
    artifactbuild.entry.main()
except SystemExit as ended:
    code = ended.code
seen = events[before:]
modules = sorted(set(sys.modules) - bare)
opened = [str(arguments[0]) for event, arguments in seen if event == "open"]
listed = [str(arguments[0]) for event, arguments in seen if event in ("os.scandir", "os.listdir")]
import json
import os
print(json.dumps([code, modules, opened, listed]), file=sys.stderr)
"""


@pytest.fixture
def many(copied: Copy, build: Build, project: Path) -> Path:
    """Fifty manifests, locked and published, each looked at once."""
    manifest = copied(SAMPLE)
    text = manifest.read_text().replace("name: dense", f"name: {FIRST}")
    (project / "manifests").mkdir()
    folder = manifest.parent.rename(project / "manifests" / FIRST)
    text = text.replace("[savedmodel, keras, h5, weights]", "[weights]")
    (folder / manifest.name).write_text(text)
    build(folder / manifest.name)
    multiply(project, COUNT)
    assert run(["build"]) == 0
    return project


def watched(*arguments: str) -> tuple[str, set[str], list[str], list[str]]:
    """Run a command that must succeed; return its words, modules, files opened, folders listed."""
    command = [sys.executable, "-c", SCRIPT, *arguments]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    code, modules, opened, listed = json.loads(shown.stderr.splitlines()[-1])
    assert code == 0
    return shown.stdout, set(modules), opened, listed


@pytest.mark.parametrize("verb", ["build", "check", "plan"])
def test_nothing_changed(many: Path, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    file = file_of(str(many / "artifacts"), str(many))
    assert file is not None
    index = Path(file)
    before = index.read_bytes()
    out, modules, opened, listed = watched(verb)
    assert modules == OURS | LIBRARY
    files = [path for path in opened if not path.endswith((".py", ".pyc"))]
    assert sorted(files) == ["/proc/cpuinfo", str(index)]
    inside = [path for path in listed if path.startswith(str(many))]
    assert len(inside) == COUNT + 2, "the project, manifests/, and each folder in it once"
    assert index.read_bytes() == before
    index.unlink()
    assert run([verb]) == 0
    assert capsys.readouterr().out == out, "with an index, a verb says what it says without"


def test_one_that_changed_is_found_and_named_and_nothing_else_is_read(
    many: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = many / "manifests" / "m0007" / "model.artifact.yaml"
    edited.write_text(edited.read_text().replace("version: v1", "version: v1\nseed: 3"))
    script = SCRIPT.replace("print(json", "assert code == 1; print(json")
    command = [sys.executable, "-c", script, "check"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    *_, opened, listed = json.loads(shown.stderr.splitlines()[-1])
    read = {path for path in opened if path.endswith((".yaml", ".lock", "metadata.json"))}
    assert read == {
        str(edited),
        str(edited.with_suffix(".lock")),
        str(many / "artifacts/m0007/weights/v1/metadata.json"),
    }
    assert "m0007/model.artifact.yaml:4:7: manifest-changed: `seed`" in shown.stderr
    assert not [path for path in listed if path.startswith(str(many / "artifacts/m0006"))]
    assert shown.stderr.count("model.artifact.yaml:") == 1
    assert shown.stdout.count(" is good\n") == COUNT - 1
    capsys.readouterr()
    assert run(["build"]) == 1
    out, err = capsys.readouterr()
    assert out.count("up to date") == COUNT - 1
    assert "m0007 v1 was released from other inputs: `seed` in the manifest changed" in err


def test_name_given_twice_is_told_though_both_are_known(
    many: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (many / "manifests/m0007/model.artifact.yaml").read_text()
    (many / "manifests/m0008/model.artifact.yaml").write_text(text)
    capsys.readouterr()
    assert run(["check"]) == 1
    said = capsys.readouterr().err
    assert "model 'm0007' is also that of manifests/m0007/model.artifact.yaml" in said
    assert run(["build", "manifests/m0009"]) == 0


def test_answers_are_told_from_where_one_stands(
    many: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(many / "manifests" / "m0007")
    capsys.readouterr()
    for _ in range(2):
        assert run(["check"]) == 0
        assert run(["build"]) == 0
    out = capsys.readouterr().out
    assert out.count("model.artifact.yaml: m0007 v1 is good\n") == 2
    assert out.count(f"{many}/artifacts/m0007/weights/v1") == 2


def test_options_and_settings_are_for_the_whole_command_line(many: Path) -> None:
    """The short cut takes paths alone; all else must mean there what it means anywhere."""
    (many / "elsewhere").mkdir()
    command = [sys.executable, "-m", "artifactbuild"]

    def said(*arguments: str, **settings: str) -> tuple[int, str]:
        environment = {**os.environ, **settings}
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=False, env=environment
        )
        return done.returncode, done.stdout + done.stderr

    assert said("check")[1].count(" is good\n") == COUNT
    assert said("check", "manifests/m0007", "manifests/m0008/model.artifact.yaml") == (
        0,
        "manifests/m0007/model.artifact.yaml: m0007 v1 is good\n"
        "manifests/m0008/model.artifact.yaml: m0008 v1 is good\n",
    )
    assert json.loads(said("check", "--json")[1])["problems"] == []
    assert "to build" in said("plan", ARTIFACTBUILD_ARTIFACTS=str(many / "elsewhere"))[1]
    assert said("check", "nowhere") == (
        1,
        "nowhere: no such file or folder\n    name a model.artifact.yaml or a folder that has one\n"
        "1 problem\n",
    )
    assert said("check", "--nothing")[0] == 2


def test_reader_that_goes_away_is_no_failure_of_ours(many: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as out:
        command = [sys.executable, "-m", "artifactbuild", "check"]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
