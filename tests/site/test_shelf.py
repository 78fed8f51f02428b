from __future__ import annotations

from pathlib import Path

import pytest

from artifactbuild.problems import Refusal
from artifactbuild.release.store import Store
from artifactbuild.site import shelf
from artifactbuild.site.shelf import Disagreement, Model, Wanted
from tests.site.records import made, publish


def read(*roots: Path, **models: tuple[Disagreement, ...]) -> tuple[Model, ...]:
    return shelf.read([Wanted(store=Store(root=root)) for root in roots], models)


def test_models_by_name_versions_newest_first(tmp_path: Path) -> None:
    order = ("v10", "v9", "1.0.1", "1.0.0", "1.0.0-rc.10", "1.0.0-rc.2", "latest")
    publish(tmp_path, made("b"), *(made("a", version=name) for name in sorted(order)))
    first, second = read(tmp_path)
    assert [version.name for version in first.versions] == list(order)
    assert (first.name, second.name) == ("a", "b")


def test_formats_of_a_version_are_together(tmp_path: Path) -> None:
    publish(tmp_path, made(format="keras"), made(format="h5", resumable=False))
    ((version,),) = [model.versions for model in read(tmp_path)]
    assert version.formats == ("h5", "keras")
    assert (version.size, version.passed, version.checks) == (2468, 6, 6)
    assert version.resumable == ("keras",)


def test_only_the_models_of_manifests(tmp_path: Path) -> None:
    publish(tmp_path, made("a"), made("b"))
    wanted = [Wanted(store=Store(root=tmp_path), models=frozenset({"b", "c"}))]
    found = shelf.read(wanted, {"c": ()})
    assert [(model.name, len(model.versions)) for model in found] == [("b", 1), ("c", 0)]


def test_every_bad_record_is_told_at_once(tmp_path: Path) -> None:
    publish(tmp_path, made("a"), made("b"))
    (tmp_path / "b").rename(tmp_path / "c")
    (tmp_path / "a/keras/v1/metadata.json").write_text("[" * 100_000)
    with pytest.raises(Refusal) as refused:
        read(tmp_path)
    deep, moved = refused.value.problems
    assert deep.message.startswith("not a record: ")
    assert moved.message == "is the record of 'b/keras/v1', and lies in 'c/keras/v1'"


def test_a_model_in_two_trees_is_refused(tmp_path: Path) -> None:
    one, two = publish(tmp_path / "1", made("a")), publish(tmp_path / "2", made("a"), made("b"))
    with pytest.raises(Refusal) as refused:
        read(one, two)
    (problem,) = refused.value.problems
    assert problem.message == f"model 'a' is also in {one}"
    assert problem.hint == "render the two trees to two folders"


def test_a_card_that_is_too_long_is_cut(tmp_path: Path) -> None:
    publish(tmp_path, made(), card="é" * shelf.CARD_BYTES)
    card = read(tmp_path)[0].versions[0].artifacts[0].card
    assert card.endswith("\n… (cut)")
    assert len(card) < shelf.CARD_BYTES


def test_a_card_that_is_not_there_is_empty(tmp_path: Path) -> None:
    publish(tmp_path, made())
    (tmp_path / "small/keras/v1/MODEL_CARD.md").unlink()
    assert read(tmp_path)[0].versions[0].artifacts[0].card == ""
