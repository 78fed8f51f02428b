"""Edits that cannot change a model are no edits: for all twelve that import the module."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.index.answers import TICK
from artifactbuild.index.location import file_of
from artifactbuild.outcome import Outcome
from artifactbuild.release import sources
from tests.benchmarks.many import FIRST, multiply
from tests.commands.test_unchanged import watched

COUNT = 12
MODULE = Path("shared/networks.py")
DATA = Path("shared/units.txt")

NETWORKS = '''\
"""Networks that twelve models share."""

from pathlib import Path

import keras


def make_model() -> keras.Model:
    """Return a small network."""
    units = int(Path(__file__).with_name("units.txt").read_text())
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, keras.layers.Dense(units, name="y")(inputs), name="small")
'''

MANIFEST = f"""\
schema_version: 1
name: {FIRST}
version: v1
factory: shared.networks:make_model
formats: [weights]
reference_inputs:
  - name: rows
    x: {{normal: true, shape: [2, 4]}}
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the place of a project that is built once."""
    return tmp_path_factory.mktemp("twelve") / "project"


@pytest.fixture
def twelve(
    released: Path, project: Path, build: Callable[[Path], Outcome], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Stand in a project of twelve manifests that import one module; all are released."""
    if not released.exists():
        for path, text in ((MODULE, NETWORKS), (DATA, "3\n")):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        manifest = project / "manifests" / FIRST / "model.artifact.yaml"
        manifest.parent.mkdir(parents=True)
        manifest.write_text(MANIFEST)
        build(manifest)
        multiply(project, COUNT)
        assert run(["build"]) == 0
        shutil.copytree(project, released)
    shutil.copytree(released, project, dirs_exist_ok=True)
    settle()
    assert run(["build"]) == run(["check"]) == 0
    return project


def settle() -> None:
    time.sleep(4 * TICK / 1e9)


EDITS: dict[str, Callable[[bytes], bytes]] = {
    "comment": lambda text: b"# Copyright\n" + text.replace(b'"small")', b'"small")  # "more'),
    "line endings": lambda text: text.replace(b"\n", b"\r\n"),
    "blank lines": lambda text: text.replace(b"\n\n\n", b"\n").replace(b"keras\n", b"keras\n  \n"),
    "no newline at the end": lambda text: text.rstrip(b"\n"),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text,
}


@pytest.mark.parametrize("edit", EDITS)
def test_edit_of_a_shared_module_that_changes_nothing(
    twelve: Path, capsys: pytest.CaptureFixture[str], edit: str
) -> None:
    before = MODULE.read_bytes()
    MODULE.write_bytes(EDITS[edit](before))
    assert MODULE.read_bytes() != before
    settle()
    capsys.readouterr()
    assert run(["check"]) == 0
    assert capsys.readouterr().out.count(" is good\n") == COUNT
    assert run(["build"]) == run(["plan", "--exit-code"]) == 0
    assert capsys.readouterr().out.count("up to date") == 2 * COUNT
    file = file_of(str(twelve / "artifacts"), str(twelve))
    for verb in ("build", "check", "plan"):
        _, _, opened, _ = watched(verb)
        files = sorted(path for path in opened if not path.endswith((".py", ".pyc")))
        assert files == ["/proc/cpuinfo", file], "as if nothing had been edited"
        assert str(MODULE.absolute()) not in opened


def test_edit_of_a_shared_module_that_changes_something(
    twelve: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = MODULE.read_text()
    for edited in (
        text.replace("small network", "tiny network"),  # `__doc__` is code
        text.replace('name="y"', 'name="z"'),
    ):
        MODULE.write_text(edited)
        assert run(["check"]) == 1
        said = f"source-changed: shared/networks.py changed since {COUNT} versions were released"
        assert capsys.readouterr().err.count(said) == 1
    MODULE.write_text(text)
    assert run(["check"]) == 0


def test_line_endings_of_a_data_file_are_a_change(
    twelve: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DATA.write_bytes(b"3\r\n")
    assert run(["check"]) == 1
    said = "units.txt differs only in its line endings (CRLF here) since v1 was released"
    err = capsys.readouterr().err
    assert (err.count(said), err.count("^ `sed -i 's/\\r$//' shared/units.txt`")) == (COUNT, COUNT)


def test_lock_and_record_tell_the_kind_of_digest(twelve: Path) -> None:
    lock = json.loads((twelve / f"manifests/{FIRST}/model.artifact.lock").read_text())
    record = json.loads((twelve / f"artifacts/{FIRST}/weights/v1/metadata.json").read_text())
    assert lock["inputs"]["sources"] == record["inputs"]["sources"]
    module = lock["inputs"]["sources"]["../../shared/networks.py"]
    assert module == sources.of_file(MODULE)
    assert module.startswith("python:")
    assert ":" not in lock["inputs"]["sources"]["../../shared/units.txt"]


def test_locks_from_before_are_compared_by_bytes(
    twelve: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A comment is an edit to them, until they are made anew."""
    new, old = sources.of_file(MODULE), sources.of_file(MODULE, "")
    assert old != new
    locks = sorted(twelve.glob("manifests/*/*.lock"))
    for lock in locks:
        lock.write_text(lock.read_text().replace(new, old))
    settle()
    assert run(["check"]) == run(["build"]) == 0
    assert all(old in lock.read_text() for lock in locks)
    MODULE.write_bytes(EDITS["comment"](MODULE.read_bytes()))
    capsys.readouterr()
    assert run(["check"]) == 1
    said = f"networks.py changed since {COUNT} versions were released"
    assert capsys.readouterr().err.count(said) == 1
