"""The warm process: what users of a worker see when it works, fails, or dies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import pipeline
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.pipeline import Outcome
from artifactbuild.problems import WorkerLost
from artifactbuild.release.digest import of_folder
from artifactbuild.worker.server import Server

MODEL = Path(__file__).parents[1] / "samples" / "dense"


def test_fresh_interpreters_make_the_bytes_that_forks_make(
    copied: Callable[[Path], Path], build: Callable[[Path], Outcome], project: Path, tmp_path: Path
) -> None:
    manifest = copied(MODEL)
    build(manifest)
    manifest.with_suffix(".lock").unlink()
    forked = of_folder(project / "artifacts" / "dense")
    with Server(forks=False) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "0")
        work = job(load(manifest), tmp_path / "fresh")
        pipeline.build(work, server, lambda text: None)
    fresh = of_folder(tmp_path / "fresh" / "dense")
    assert set(fresh) == set(forked)
    differing = {name for name in fresh if fresh[name] != forked[name]}
    assert differing == {
        name for name in fresh if name.endswith(("metadata.json", "MODEL_CARD.md"))
    }, "only the date may differ"


def test_bug_in_a_worker_is_told_apart_from_a_mistake(server: Server, tmp_path: Path) -> None:
    with pytest.raises(WorkerLost) as lost:
        server.run("build", {"no": "request"}, tmp_path / "log")
    assert lost.value.bug
    assert lost.value.cause.endswith("artifactbuild.data.Mismatch: $: unknown key 'no'\n")
    assert "Mismatch" in (tmp_path / "log").read_text()
