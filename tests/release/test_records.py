"""Records of every version that was ever written verify forever.

`pytest tests/release/test_records.py --update-golden` builds those of the current version anew.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.pipeline import Outcome
from artifactbuild.release import record
from tests.release import kept

RUN = ["verify", "--run", "--with-sources", "--no-sandbox", "--json"]


@pytest.fixture(autouse=True)
def _made_anew(
    project: Path,
    build: Callable[[Path], Outcome],
    update_golden: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not update_golden:
        return
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    shutil.copytree(
        kept.RECORDS / kept.CURRENT,
        kept.MODEL,
        ignore=shutil.ignore_patterns("published", "*.lock"),
    )
    manifest = Path(kept.MODEL, "manifest.yaml").rename(Path(kept.MODEL, "model.artifact.yaml"))
    build(manifest.absolute())
    kept.keep(project, manifest)
    shutil.rmtree(kept.MODEL)
    shutil.rmtree("artifacts")


@pytest.mark.parametrize("version", kept.VERSIONS)
def test_kept_records_verify(
    project: Path, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.lay_out_as_kept(project, version)
    assert run(RUN) == int(kept.IS_KERAS_OLDER)
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    faults = {each["format"]: each["faults"] for each in found if each["faults"]}
    assert sorted(faults) == (sorted(kept.REVIVED) if kept.IS_KERAS_OLDER else []), printed.err
    for (fault,) in faults.values():
        assert fault["at"] == "by 'artifactbuild', loading against reference"
        assert fault["message"].startswith("loading raised TypeError: ")
    ways = {each["format"]: each["run"]["loaders"] for each in found}
    assert ways == {
        "h5": ["artifactbuild"],
        "keras": ["artifactbuild"],
        "onnx": ["onnxruntime", "artifactbuild"],
        "savedmodel": ["signature", "tfsm", "artifactbuild"],
        "tflite": ["interpreter", "artifactbuild"],
        "weights": ["artifactbuild"],
        "weights_h5": ["artifactbuild"],
    }


def test_current_version_is_kept() -> None:
    assert f"v{record.VERSION}" == kept.CURRENT == kept.VERSIONS[-1]
