"""Which layer became which."""

from __future__ import annotations

from dataclasses import replace

from artifactbuild.release.diff import layers
from artifactbuild.release.lock import LockedLayer
from tests.review.sides import LOCK


def layer(
    name: str, digest: str = "c", weights: str = "", kind: str = "Dense", **more: object
) -> LockedLayer:
    made = LockedLayer(name=name, kind=kind, config_digest=digest, weights_digest=weights)
    return replace(made, **more)


Model = tuple[LockedLayer, ...]


def became(before: Model, after: Model) -> dict[str, str]:
    return {old: new.name for old, new in layers.pairs(before, after).items()}


def compared(before: Model, after: Model) -> layers.Layers:
    return layers.compare(replace(LOCK, layers=before), replace(LOCK, layers=after))


def actions(before: Model, after: Model) -> list[tuple[str, str, list[str]]]:
    found = compared(before, after).changes
    return [(each.action, each.name, [key.name for key in each.keys]) for each in found]


def test_name_that_somebody_chose_says_which_layer_it_is() -> None:
    before = (layer("a", "1", "w1"), layer("b", "2", "w2"))
    after = (layer("b", "1", "w1"), layer("a", "2", "w2"))
    assert became(before, after) == {"a": "a", "b": "b"}


def test_layer_more_in_front_moves_the_names_that_keras_counts() -> None:
    before = (layer("dense", "four", "w1"), layer("dense_1", "two", "w2"))
    after = (
        layer("dense", "eight", "w0"),
        layer("dense_1", "four", "x1"),
        layer("dense_2", "two", "x2"),
    )
    assert became(before, after) == {"dense": "dense_1", "dense_1": "dense_2"}
    found = compared(before, after)
    assert actions(before, after) == [("added", "dense", [])]
    assert [(each.before, each.after) for each in found.counted] == [
        ("dense", "dense_1"),
        ("dense_1", "dense_2"),
    ]
    assert [each.layer for each in found.retrained] == ["dense_1", "dense_2"]


def test_changed_layer_with_a_counted_name_is_not_one_added_and_one_removed() -> None:
    before = (layer("dense", "1", "w1"), layer("dense_1", "2", "w2"))
    after = (layer("dense", "3", "w3"), layer("dense_1", "2", "w2"))
    assert [each[:2] for each in actions(before, after)] == [("changed", "dense")]


def test_renamed_layer_is_found_by_its_digests_though_others_are_alike() -> None:
    before = (layer("a", "1", "w1"), layer("b", "1", "w2"), layer("c", "1", "w3"))
    after = (layer("a", "1", "w1"), layer("new", "1", "w2"), layer("c", "1", "w3"))
    assert actions(before, after) == [("renamed", "new", [])]


def test_removed_layer_does_not_take_the_place_of_one_that_was_renamed() -> None:
    before = (layer("a", "1", "w1"), layer("b", "1", "w2"))
    assert actions(before, (layer("new", "1", "w2"),)) == [
        ("removed", "a", []),
        ("renamed", "new", []),
    ]


def test_renamed_and_trained_again_is_renamed() -> None:
    before, after = (layer("a", "1", "w1"),), (layer("b", "1", "x1"),)
    assert actions(before, after) == [("renamed", "b", [])]
    assert [each.layer for each in compared(before, after).retrained] == ["b"]


def test_keys_that_changed_are_named_and_an_absent_one_is_the_default() -> None:
    before = (layer("a", "1", config={"units": 3, "use_bias": False}),)
    after = (layer("a", "2", config={"units": 4}),)
    (change,) = compared(before, after).changes
    assert [(key.name, key.before, key.after) for key in change.keys] == [
        ("units", 3, 4),
        ("use_bias", False, "default"),
    ]


def test_null_is_not_the_default() -> None:
    before = (layer("a", "1", config={"seed": None}),)
    after = (layer("a", "2", config={}),)
    (change,) = compared(before, after).changes
    assert [(key.name, key.before, key.after) for key in change.keys] == [("seed", None, "default")]


def test_layer_that_is_fed_by_another_is_rewired_unless_that_one_was_renamed() -> None:
    before = (layer("a", "1"), layer("b", "2"), layer("sum", "3", inputs=("a", "a")))
    after = (layer("a", "1"), layer("b", "2"), layer("sum", "3", inputs=("a", "b")))
    assert actions(before, after) == [("rewired", "sum", ["inputs"])]
    renamed = (layer("z", "1"), layer("b", "2"), layer("sum", "3", inputs=("z", "z")))
    assert actions(before, renamed) == [("renamed", "z", [])]


def test_outer_layer_is_told_by_the_inner_one_that_changed() -> None:
    before = (layer("net", "n1", kind="Functional"), layer("net/a", "1", config={"units": 1}))
    after = (layer("net", "n2", kind="Functional"), layer("net/a", "2", config={"units": 2}))
    assert actions(before, after) == [("changed", "net/a", ["units"])]
    assert actions(before[:1], after[:1]) == [("changed", "net", ["inside"])]


def test_added_block_is_told_once() -> None:
    before = (layer("x", "0"),)
    after = (layer("x", "0"), layer("net", "n", kind="Functional"), layer("net/a", "1"))
    assert [each[:2] for each in actions(before, after)] == [("added", "net")]


def test_what_only_follows_anothers_size_is_resized() -> None:
    before = (layer("a", "1", parameters=8), layer("b", "2", "w", parameters=6))
    after = (layer("a", "9", parameters=16), layer("b", "2", "x", parameters=12))
    found = compared(before, after)
    assert [each.name for each in found.changes] == ["a"]
    assert found.resized == ("b",)
    assert found.retrained == ()


def test_models_without_a_layer_in_common_are_unrelated() -> None:
    before = (layer("x", kind="InputLayer"), layer("a", "1", "w1"))
    after = (layer("x", kind="InputLayer"), layer("b", "2", "w2"))
    assert compared(before, after).unrelated
    assert not compared(before, before).unrelated
