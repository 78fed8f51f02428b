"""Identities: one grammar, and places that must agree with the record."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from artifactbuild.release import identity, record
from artifactbuild.release.identity import Identity
from tests.release import kept


@pytest.fixture
def root(project: Path) -> Path:
    return kept.lay_out(project)


def said(folder: Path, root: Path | None = None) -> list[str]:
    within = (root,) if root is not None else identity.roots(folder, {})
    made = record.read(folder)
    return [fault.message for fault in identity.misplaced(folder, made, within)]


@pytest.mark.parametrize("text", ["dense", "dense@v1", "dense/keras", "dense@v1/keras"])
def test_expected_is_any_part_that_begins_with_the_model(text: str) -> None:
    expected = identity.expected(text)
    assert str(expected) == text
    own = Identity(model="dense", version="v1", format="keras")
    assert list(expected.faults(own)) == []
    assert len(list(expected.faults(Identity(model="d", version="v1", format="keras")))) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not MODEL[@VERSION][/FORMAT], for example digits@v1/keras"),
        ("@v1", "'@v1' is not MODEL[@VERSION][/FORMAT], for example digits@v1/keras"),
        ("a/b/c", "'a/b/c' is not MODEL[@VERSION][/FORMAT], for example digits@v1/keras"),
        ("a@v1@v2", "'a@v1@v2' is not MODEL[@VERSION][/FORMAT], for example digits@v1/keras"),
        ("a/keras@v1", "'a/keras@v1' is not MODEL[@VERSION][/FORMAT], for example digits@v1/keras"),
        (
            "a@01",
            "'01' in 'a@01' is not a version: expected 1, v1 or a semantic version such as 1.0.0 "
            "or 1.0.0-rc.1",
        ),
        (
            "A",
            "'A' in 'A' is not a model name: expected lower-case letters, digits, '_', '-' and "
            "'.', not beginning with '-' or '.'",
        ),
        (
            "a/kears",
            "'kears' in 'a/kears' is not a format: did you mean 'keras'? formats are: h5, keras, "
            "onnx, savedmodel, tflite, weights, weights_h5",
        ),
    ],
)
def test_what_is_not_of_the_grammar_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        identity.expected(text)
    assert str(error.value) == message


@pytest.mark.parametrize("text", ["dense@v2", "dense@v1/h5", "dense/h5"])
def test_different_artifact_is_not_the_expected_one(text: str) -> None:
    own = Identity(model="dense", version="v1", format="keras")
    (fault,) = identity.expected(text).faults(own)
    assert fault.message == f"is dense@v1/keras, expected {text}"


def test_published_artifacts_are_in_their_place(root: Path) -> None:
    for folder in sorted(root.glob("*/*/*")):
        assert said(folder) == []


@pytest.mark.parametrize(
    ("place", "theirs"),
    [
        ("dense/keras/v2", "dense@v2/keras"),
        ("fraud/keras/v1", "fraud@v1/keras"),
        ("dense/h5/v9", "dense@v9/h5"),
        ("Dense/keras/v1", "Dense@v1/keras"),
        ("dense/KERAS/v1", "dense@v1/KERAS"),
        ("dense/keras/V1", "dense@V1/keras"),
        ("dense/keras/1", "dense@1/keras"),
    ],
)
def test_copy_in_another_place_is_misplaced(
    root: Path, tmp_path: Path, place: str, theirs: str
) -> None:
    for above in (root, tmp_path / "download"):
        shutil.copytree(root / "dense" / "keras" / "v1", above / place)
        message = f"is dense@v1/keras, but its folder is the place of {theirs}"
        assert said(above / place) == [message]


@pytest.mark.parametrize("place", ["dense/v1", "keras_v1", "dense/kears/v1", "a/b/keras/v1"])
def test_whatever_is_in_a_root_has_its_place_there(root: Path, place: str) -> None:
    if not (root / place).exists():
        shutil.copytree(root / "dense" / "keras" / "v1", root / place)
    assert len(said(root / place)) == 1
    assert len(said(root / place, root)) == 1


@pytest.mark.parametrize("place", ["copy", "digits/1", "srv/models/digits/1", ".failed/dense/v1"])
def test_elsewhere_the_record_alone_says_what_it_is(root: Path, tmp_path: Path, place: str) -> None:
    shutil.copytree(root / "dense" / "keras" / "v1", tmp_path / place)
    assert said(tmp_path / place) == []


def test_link_is_held_to_where_it_is_and_to_where_it_leads(root: Path, tmp_path: Path) -> None:
    own = root / "dense" / "keras" / "v1"
    (tmp_path / "current").symlink_to(own)
    assert said(tmp_path / "current") == []
    own.with_name("v2").symlink_to("v1")
    assert said(own.with_name("v2")) == [
        "is dense@v1/keras, but its folder is the place of dense@v2/keras"
    ]
    shutil.copytree(own, own.with_name("v3"))
    (tmp_path / "newest").symlink_to(own.with_name("v3"))
    assert said(tmp_path / "newest") == [
        "is dense@v1/keras, but its folder is the place of dense@v3/keras"
    ]


def test_other_spellings_of_a_path_are_the_same_place(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root / "dense" / "keras" / "v1")
    assert said(Path()) == []
    assert said(Path("../v1")) == []
    monkeypatch.chdir(root)
    assert said(Path("dense/h5/../keras/v1/.")) == []


def test_place_after_a_link_is_where_the_system_finds_it(root: Path, tmp_path: Path) -> None:
    """`link/..` is the parent of what the link leads to, not of the link."""
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "link").symlink_to(root / "dense" / "keras" / "v1")
    assert said(Path(f"{tmp_path}/keras/link/../v1")) == []


def test_root_that_the_environment_names_is_one(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "dense" / "keras" / "v1", tmp_path / "store" / "dense" / "v1")
    folder = tmp_path / "store" / "dense" / "v1"
    within = identity.roots(folder, {"ARTIFACTBUILD_ARTIFACTS": os.fspath(tmp_path / "store")})
    (fault,) = identity.misplaced(folder, record.read(folder), within)
    assert fault.message == "is dense@v1/keras, but its folder dense/v1 is no artifact's place"
