"""Each hint on a model that must not be published is followed, and the model is published.

`tests/test_faults.py` holds what is said of the fault; here its hints are done, one after another.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.outcome import Outcome
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import digest
from tests.faults.repairs import REPAIRS, WAYS_OUT
from tests.hints import edits
from tests.hints.edits import told
from tests.test_faults import FAULTS

_BUILT: set[str] = set()
"""The repaired models that were built already: many faults leave the same one."""


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda path: path.name)
def test_hint_is_followed_and_the_model_is_published(
    fault: Path, copied: Callable[[Path], Path], build: Callable[[Path], Outcome], project: Path
) -> None:
    manifest, written = copied(fault), REPAIRS.get(fault.name, ())
    problems = told((fault / "expected.txt").read_text(encoding="utf-8"))
    assert problems
    for problem in problems:
        if problem.hint not in [edit.hint for edit in written] and not _is_only_shown(problem):
            text = edits.by_machine(manifest.read_text(), problem)
            assert text is not None, f"write the repair for {problem.hint!r} down in REPAIRS"
            manifest.write_text(text)
    for edit in written:
        if edit.hint not in [problem.hint for problem in problems]:
            problems = _refused(build, manifest)
        assert edit.hint in [problem.hint for problem in problems]
        assert any(each.follows() for each in written if each.hint == edit.hint)
        edit.apply(manifest)
    made = _without_name(manifest)
    if made not in _BUILT:
        outcome = build(manifest)
        assert {result.outcome for result in outcome.results} == {"published"}
        _BUILT.add(made)


def _refused(build: Callable[[Path], Outcome], manifest: Path) -> list[Problem]:
    with pytest.raises(Refusal) as refused:
        build(manifest)
    return list(refused.value.problems)


def _is_only_shown(problem: Problem) -> bool:
    """Tell if a hint says where to look, and another one of the same model what to do."""
    return problem.hint.endswith(" shows it again") or problem.hint in WAYS_OUT


def _without_name(manifest: Path) -> str:
    text = re.sub(r"(?m)^name: .*\n", "", manifest.read_text())
    return digest.of_bytes(f"{text}\0{(manifest.parent / 'model.py').read_text()}".encode())


def test_every_repair_has_its_fault() -> None:
    assert set(REPAIRS) <= {fault.name for fault in FAULTS}
