"""A sample of the faults that `campaign.py` injects at every system call of the publish step."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.crash import injection, repairing
from tests.crash.injection import Call, Trial

COMMITS = ("renameat2", "rename", "flock", "fsync", "unlink")
"""Calls around the moment at which a version or a lock comes to be."""


@pytest.fixture(autouse=True)
def tracing(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("needs strace: `apt-get install strace`")
    tried = subprocess.run(
        ["strace", "-o", tmp_path / "tried", "-e", "inject=getpid:error=EIO", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip()}")


def sample(calls: list[Call]) -> list[tuple[Call, str]]:
    """Choose the last call of each kind around the commit, killed, and a spread of the rest."""
    last = {call.name: call for call in calls if call.name in COMMITS}
    faults = (*injection.FAULTS, "error=EDQUOT")
    spread = [(call, faults[i % len(faults)]) for i, call in enumerate(calls[:: len(calls) // 7])]
    return [*((call, "signal=SIGKILL") for call in last.values()), *spread]


def violations(trials: list[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.violations]


@pytest.mark.parametrize("by_claim", [False, True], ids=["rename", "claim"])
def test_publishing_survives_faults_at_its_system_calls(tmp_path: Path, by_claim: bool) -> None:
    calls = injection.calls("store", tmp_path, by_claim=by_claim)
    assert len(calls) > 100
    tried = list(injection.trials("store", tmp_path, sample(calls), by_claim=by_claim))
    assert violations(tried) == []
    assert {trial.code for trial in tried if "KILL" in trial.fault} == {-9}


def test_naive_publisher_is_found_out(tmp_path: Path) -> None:
    calls = injection.calls("naive", tmp_path)
    killed = [(call, "signal=SIGKILL") for call in calls if call.name == "write"]
    assert violations(list(injection.trials("naive", tmp_path, killed)))


@pytest.mark.parametrize("by_claim", [False, True], ids=["rename", "claim"])
def test_repair_survives_faults_at_its_system_calls(tmp_path: Path, by_claim: bool) -> None:
    fresh = repairing.damaged_store
    calls = injection.calls("repair", tmp_path, by_claim=by_claim, fresh=fresh)
    assert len(calls) > 100
    tried = list(repairing.trials(tmp_path, sample(calls), by_claim=by_claim))
    assert violations(tried) == []
    assert {trial.code for trial in tried if "KILL" in trial.fault} == {-9}
