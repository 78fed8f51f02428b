"""Each hint on a broken manifest is followed, and the manifest is loaded."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from artifactbuild.manifest.load import load
from artifactbuild.problems import Problem, Refusal
from tests.hints import edits
from tests.manifest.repairs import FILES, REPAIRS
from tests.manifest.test_load import BROKEN, FAULTS

BY_A_COMMAND = {"empty_file": "test_empty_manifest_is_removed_for_init"}
"""What is repaired by a command, and the test that runs it."""


def project(folder: Path, fault: str) -> Path:
    """Make a project that holds a broken manifest and what it names; return the manifest."""
    folder.mkdir()
    for path in BROKEN.iterdir():
        if path.suffix not in (".yaml", ".txt") or path.name == f"{fault}.yaml":
            shutil.copy(path, folder)
    (folder / "pyproject.toml").touch()
    (folder / "syntax_error.py").write_text("import os\n\n\ndef make_model()\n    return 1\n")
    return folder / f"{fault}.yaml"


def told(manifest: Path) -> Sequence[Problem]:
    with pytest.raises(Refusal) as refused:
        load(manifest)
    return refused.value.problems


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - set(BY_A_COMMAND)))
def test_hint_is_followed_and_the_manifest_is_loaded(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, written = project(tmp_path / "project", fault), REPAIRS.get(fault, ())
    monkeypatch.chdir(manifest.parent)
    problems = told(manifest)
    for problem in sorted(problems, key=lambda each: (each.line or 0, each.column or 0))[::-1]:
        if problem.hint not in [edit.hint for edit in written]:
            text = edits.by_machine(manifest.read_text(encoding="utf-8"), problem)
            assert text is not None, f"write the repair for {problem.hint!r} down in REPAIRS"
            manifest.write_text(text, encoding="utf-8")
    for edit in written:
        if edit.hint not in ["", *(problem.hint for problem in problems)]:
            problems = told(manifest)
        assert edit.hint in ["", *(problem.hint for problem in problems)]
        assert edit.follows()
        edit.apply(manifest)
    FILES.get(fault, lambda folder: None)(manifest.parent)
    assert load(manifest).manifest.name


def test_every_repair_has_its_manifest() -> None:
    assert {*REPAIRS, *FILES, *BY_A_COMMAND} <= set(FAULTS)
