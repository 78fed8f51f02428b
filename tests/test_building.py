"""Many manifests at once: a failure stops only its own, and the order stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import building
from artifactbuild.job import Job, job
from artifactbuild.manifest.load import load
from artifactbuild.worker.room import Room
from artifactbuild.worker.server import Server

TESTS = Path(__file__).parent
Copy = Callable[[Path], Path]


@pytest.fixture
def work(copied: Copy, project: Path) -> dict[str, Job]:
    """Four manifests: the second cannot be built."""
    sample = TESTS / "samples" / "dense"
    found = {}
    for name in ("slow", "broken", "quick", "last"):
        broken = name == "broken"
        manifest = copied(TESTS / "faults" / "factory_raises" if broken else sample)
        folder = manifest.parent.rename(project / name)
        text = (
            (folder / manifest.name)
            .read_text()
            .replace("name: dense", f"name: {name}")
            .replace("name: factory_raises", f"name: {name}")
        )
        text = text.replace("[savedmodel, keras, h5, weights]", "[weights]")
        (folder / manifest.name).write_text(text)
        found[name] = job(load(folder / manifest.name), None)
    slow = project / "slow" / "model.py"
    slow.write_text(f"import time\ntime.sleep(2)\n{slow.read_text()}")
    return found


def test_failure_stops_only_its_own_and_order_stays(
    work: dict[str, Job], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "room", Room(3, 10**10))
    told: list[str] = []
    built = building.build(work, server, told.append)
    assert list(built.outcomes) == ["slow", "quick", "last"]
    assert {r.outcome for o in built.outcomes.values() for r in o.results} == {"published"}
    (problem,) = built.problems
    assert problem.message.startswith("the factory 'model:make_model' raised KeyError: 'nothing'")
    assert built.kept == ("artifacts/.failed/broken/v1",)
    assert built.untried == ()
    ends = [line.partition(" ")[0] for line in told if line.endswith("publishing")]
    assert ends.index("quick") < ends.index("slow"), "they must have run beside each other"


def test_fail_fast_begins_no_other(
    work: dict[str, Job], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "room", Room(1, 10**10))
    order = {name: work[name] for name in ("broken", "quick", "last")}
    told: list[str] = []
    built = building.build(order, server, told.append, fail_fast=True)
    assert (list(built.outcomes), len(built.problems)) == ([], 1)
    assert built.untried == ("quick", "last")
    assert not any(line.startswith(("quick", "last")) for line in told)
