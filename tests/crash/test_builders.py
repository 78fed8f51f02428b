"""Two whole builds of one version at once, and builds that are killed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from artifactbuild import pipeline
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.problems import Refusal
from artifactbuild.release import lock, record
from artifactbuild.release.store import Store
from artifactbuild.worker.server import Server
from tests.crash import killing

DENSE = Path(__file__).parents[1] / "samples" / "dense"
Copy = Callable[[Path], Path]
FORMATS = "[savedmodel, keras, h5, weights]"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a day go by at every look at the clock."""
    moments = iter(range(1_000_000_000, 2_000_000_000, 86_400))
    monkeypatch.setattr("artifactbuild.release.record.time.time", lambda: next(moments))


def at_once(manifests: list[Path], root: Path, server: Server) -> list[Counter[str] | Refusal]:
    """Build several manifests that all come to publish at the same moment."""
    meeting = threading.Barrier(len(manifests))

    def tell(text: str) -> None:
        if text == "publishing":
            meeting.wait(120)

    def built(manifest: Path) -> Counter[str] | Refusal:
        try:
            outcome = pipeline.build(job(load(manifest), root), server, tell).outcome
        except Refusal as refusal:
            return refusal
        return Counter(result.outcome for result in outcome.results)

    with ThreadPoolExecutor(len(manifests)) as pool:
        return list(pool.map(built, manifests))


def test_two_builders_of_the_same_publish_it_once_under_one_date(
    copied: Copy, server: Server, tmp_path: Path, clock: None
) -> None:
    manifest = copied(DENSE)
    manifest.write_text(manifest.read_text().replace(FORMATS, "[h5, weights]"))
    root = tmp_path / "artifacts"
    first, second = at_once([manifest, manifest], root, server)
    assert isinstance(first, Counter)
    assert isinstance(second, Counter)
    assert first + second == {"published": 2, "identical": 2}
    records = [record.read(root / "dense" / format / "v1") for format in ("h5", "weights")]
    found = lock.read(manifest, "lock")
    assert found is not None
    assert {each.created_at for each in records} == {found.created_at}
    assert list(Path(root, ".staging").iterdir()) == []


def test_of_two_builders_with_different_contents_one_is_refused_and_writes_no_lock(
    copied: Copy, server: Server, tmp_path: Path, clock: None
) -> None:
    manifest = copied(DENSE)
    manifest.write_text(manifest.read_text().replace(FORMATS, "[h5]"))
    other = manifest.parents[1] / "other" / manifest.name
    other.parent.mkdir()
    (other.parent / "model.py").write_bytes((manifest.parent / "model.py").read_bytes())
    other.write_text(manifest.read_text() + "seed: 7\n")
    ended = at_once([manifest, other], tmp_path / "artifacts", server)
    (refusal,) = [each for each in ended if isinstance(each, Refusal)]
    (problem,) = refusal.problems
    assert problem.message.startswith("is published with other bytes: MODEL_CARD.md is ")
    assert [each for each in ended if isinstance(each, Counter)] == [{"published": 1}]
    locks = [lock.path_of(each).exists() for each in (manifest, other)]
    assert sorted(locks) == [False, True]
    store = Store(root=tmp_path / "artifacts")
    assert list(store.versions()) == [("dense", "h5", "v1")]


@pytest.mark.slow
def test_killed_builds_are_finished_by_the_next(tmp_path: Path) -> None:
    """A sample of what `campaign.py kills` does to `my_model`, on a small model."""
    expected = killing.clean(tmp_path, DENSE)
    killed = list(killing.kills(tmp_path, 3, expected, random.Random(0), DENSE))
    assert [each for each in killed if each.violations] == []
