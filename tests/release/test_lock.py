from __future__ import annotations

from pathlib import Path

import pytest

from artifactbuild.manifest.model import Tensor
from artifactbuild.problems import Refusal
from artifactbuild.release import alive, lock
from artifactbuild.release.lock import (
    Lock,
    Locked,
    LockedChecks,
    LockedFigure,
    LockedInputs,
    LockedLayer,
    LockedMeasure,
    LockedTotals,
    LockedValue,
    Release,
)
from artifactbuild.release.record import Inputs
from tests.hints.following import follow

HINT = "restore it with `git checkout`, or remove it and run `artifactbuild build`"

LOCK = Lock(
    lock_version=1,
    model="m",
    version="v1",
    created_at="2026-01-01T00:00:00Z",
    totals=LockedTotals(
        kind="functional",
        layers=2,
        parameters=15,
        trainable=15,
        precision="float32",
        config_digest="c0ffee",
        weights_digest="beef",
    ),
    input_signature=(Tensor(name="x", shape=(None, 4), dtype="float32"),),
    output_signature=(),
    layers=(
        LockedLayer(name="x", kind="InputLayer", output="(None, 4)", config_digest="aa"),
        LockedLayer(
            name="hidden",
            kind="Dense",
            output="(None, 3)",
            parameters=15,
            inputs=("x",),
            config={"units": 3, "activation": "relu"},
            config_digest="bb",
            weights_digest="cc",
        ),
    ),
    checks=(LockedChecks(format="keras", loader="keras", passed=("outputs = eager",)),),
    measures=(
        LockedMeasure(
            format="keras",
            loaders=("keras",),
            metric="accuracy",
            output="y",
            value=0.9722,
            model=0.9722,
            examples=360,
        ),
    ),
    environment={"tensorflow": "2.21.0"},
    release=Release(
        revisions={"keras": 1, "metadata": 1},
        metadata={"notes": "Trained twice."},
        figures=(
            LockedFigure(
                checks=("keras/keras", "keras/training"),
                compared="outputs",
                against="graph",
                max_abs=1.5e-07,
                bound=1.25e-06,
            ),
        ),
        values=(
            LockedValue(
                loaders=("keras/keras",),
                metric="accuracy",
                output="y",
                value=0.972222,
                model=0.972222,
            ),
        ),
        inputs=Inputs(manifest={"seed": "0"}, sources={"model.py": "1"}),
    ),
    inputs=LockedInputs(
        manifest={"seed": "0"}, sources={"model.py": "2"}, environment={"numpy": "2.4.7"}
    ),
    artifacts={"keras": Locked(options={}, size=9, files={"model.keras": "2"})},
)

TEXT = """\
{
  "lock_version": 1,
  "model": "m",
  "version": "v1",
  "created_at": "2026-01-01T00:00:00Z",
  "totals": {"kind": "functional", "layers": 2, "parameters": 15, "trainable": 15, \
"precision": "float32", "config_digest": "c0ffee", "weights_digest": "beef"},
  "input_signature": [
    {"name": "x", "shape": [null, 4], "dtype": "float32"}
  ],
  "output_signature": [],
  "layers": [
    {"name": "x", "kind": "InputLayer", "output": "(None, 4)", "config_digest": "aa"},
    {"name": "hidden", "kind": "Dense", "output": "(None, 3)", "parameters": 15, \
"inputs": ["x"], "config": {"activation": "relu", "units": 3}, "config_digest": "bb", \
"weights_digest": "cc"}
  ],
  "checks": [
    {"format": "keras", "loader": "keras", "passed": ["outputs = eager"]}
  ],
  "measures": [
    {"format": "keras", "loaders": ["keras"], "metric": "accuracy", "output": "y", \
"value": 0.9722, "model": 0.9722, "examples": 360}
  ],
  "environment": {
    "tensorflow": "2.21.0"
  },
  "release": {
    "figures": [
      {"checks": ["keras/keras", "keras/training"], "compared": "outputs", "against": "graph", \
"max_abs": 1.5e-07, "bound": 1.25e-06}
    ],
    "inputs": {
      "manifest": {
        "seed": "0"
      },
      "sources": {
        "model.py": "1"
      }
    },
    "metadata": {
      "notes": "Trained twice."
    },
    "revisions": {
      "keras": 1,
      "metadata": 1
    },
    "values": [
      {"loaders": ["keras/keras"], "metric": "accuracy", "output": "y", "value": 0.972222, \
"model": 0.972222}
    ]
  },
  "inputs": {
    "environment": {
      "numpy": "2.4.7"
    },
    "manifest": {
      "seed": "0"
    },
    "sources": {
      "model.py": "2"
    }
  },
  "artifacts": {
    "keras": {
      "files": {
        "model.keras": "2"
      },
      "options": {},
      "size": 9
    }
  }
}
"""


def test_lock_is_told_line_by_line_and_digests_come_last() -> None:
    assert lock.text(LOCK) == TEXT


def test_lock_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest = tmp_path / "model.artifact.yaml"
    assert lock.read(manifest, "lock") is None
    assert lock.write(LOCK, manifest)
    assert lock.read(manifest, "lock") == LOCK
    assert [path.name for path in tmp_path.iterdir()] == ["model.artifact.lock"]


def test_same_lock_is_not_written_again(tmp_path: Path) -> None:
    manifest = tmp_path / "model.artifact.yaml"
    lock.write(LOCK, manifest)
    before = lock.path_of(manifest).stat().st_mtime_ns
    assert not lock.write(LOCK, manifest)
    assert lock.path_of(manifest).stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<<<\n", "not a lock: Expecting value: line 1 column 1 (char 0)"),
        ('{"lock_version": 9}', "not a lock: lock_version is 9, this artifactbuild reads 1"),
        ('{"lock_version": 1}', "not a lock: $: missing key 'model'"),
    ],
)
def test_what_is_no_lock_is_refused(tmp_path: Path, text: str, message: str) -> None:
    manifest = tmp_path / "model.artifact.yaml"
    lock.path_of(manifest).write_text(text)
    with pytest.raises(Refusal) as refused:
        lock.read(manifest, "model.artifact.lock")
    (problem,) = refused.value.problems
    assert (problem.message, problem.hint) == (message, HINT)


def test_temporary_files_of_dead_writers_go_even_if_nothing_is_new(tmp_path: Path) -> None:
    manifest = tmp_path / "model.artifact.yaml"
    lock.write(LOCK, manifest)
    (tmp_path / ".model.artifact.lock.new-dead").write_text("half of a lo")
    living = tmp_path / ".model.artifact.lock.new-living"
    with alive.hold(living):
        assert not lock.write(LOCK, manifest)
        assert {path.name for path in tmp_path.iterdir()} == {"model.artifact.lock", living.name}


def test_writer_whose_file_was_taken_for_a_dead_ones_writes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = tmp_path / "model.artifact.yaml"
    hold, held = alive.hold, []

    def overtaken(path: Path, flags: int) -> object:
        held.append(path)
        if len(held) == 1:
            path.unlink()
        return hold(path, flags)

    monkeypatch.setattr(alive, "hold", overtaken)
    assert lock.write(LOCK, manifest)
    assert lock.read(manifest, "lock") == LOCK
    assert len(held) == 2


def test_folder_where_no_lock_can_be_written_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "missing" / "model.artifact.yaml"
    with pytest.raises(Refusal) as refused:
        lock.write(LOCK, manifest)
    (problem,) = refused.value.problems
    assert problem.message == "the lock cannot be written: no such file or directory"
    follow(
        problem.hint, "repair this and run the same command again: what is published stays as it is"
    )
    manifest.parent.mkdir()
    assert lock.write(LOCK, manifest)


def test_lock_that_git_could_not_merge_says_what_to_do(tmp_path: Path) -> None:
    manifest = tmp_path / "model.artifact.yaml"
    ours = '<<<<<<< HEAD\n  "version": "v2",\n=======\n  "version": "v3",\n>>>>>>> theirs\n'
    lock.path_of(manifest).write_text(TEXT.replace('  "version": "v1",\n', ours))
    with pytest.raises(Refusal) as refused:
        lock.read(manifest, "m/model.artifact.lock")
    assert str(refused.value) == (
        "m/model.artifact.lock:4:1: two branches released this model, and git could not merge "
        "their locks\n"
        "    <<<<<<< HEAD\n"
        "    ^ a lock is not merged by hand: take one side "
        "(`git checkout --theirs m/model.artifact.lock`), "
        "then `artifactbuild plan` says whether to build or to bump"
    )
