"""Where a first manifest goes: decided from names and files, before anything is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from artifactbuild.manifest.model import Target, Tensor
from artifactbuild.manifest.placing import Wish, place
from artifactbuild.problems import Refusal

FACTORY = "def make_model(): ...\ndef make_ranker(): ...\n"
MANIFEST = "model.artifact.yaml"


def wish(factory: str, **asked: Any) -> Wish:
    return Wish(
        factory=Target.parse(factory),
        name=asked.get("name"),
        folder=asked.get("folder"),
        version=asked.get("version", "v1"),
        seed=0,
        kwargs=asked.get("kwargs", {}),
        inputs=asked.get("inputs", ()),
        formats=(),
    )


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FACTORY, encoding="utf-8")


def refusal(asked: Wish, here: Path) -> str:
    with pytest.raises(Refusal) as refused:
        place(asked, here)
    return str(refused.value)


@pytest.mark.parametrize(
    ("module", "factory", "manifest", "name"),
    [
        ("model.py", "model:make_model", "", "project"),
        ("ranking.py", "ranking:make_model", "", "ranking"),
        ("ranking.py", "ranking:make_ranker", "", "ranker"),
        ("shop/models.py", "shop.models:make_ranker", "manifests/ranker", "ranker"),
        ("shop/ranking/model.py", "shop.ranking.model:make_model", "manifests/ranking", "ranking"),
        ("shop/__init__.py", "shop:make_model", "manifests/shop", "shop"),
    ],
)
def test_module_of_its_own_has_it_beside_it_and_one_of_a_package_a_folder(
    project: Path, module: str, factory: str, manifest: str, name: str
) -> None:
    write(project / module)
    for folder in (project / module).relative_to(project).parents:
        if folder != Path():
            (project / folder / "__init__.py").touch()
    found = place(wish(factory), project)
    assert (found.manifest, found.name) == (project / manifest / MANIFEST, name)
    assert found.project == project


def test_folder_that_was_asked_for_is_where_the_module_is_sought_first(project: Path) -> None:
    write(project / "manifests" / "digits" / "model.py")
    found = place(wish("model:make_model", folder=project / "manifests" / "digits"), project)
    assert found.manifest == project / "manifests" / "digits" / MANIFEST
    assert found.name == "digits"


def test_module_in_the_current_folder_is_found_before_one_of_the_project(project: Path) -> None:
    write(project / "model.py")
    write(project / "manifests" / "digits" / "model.py")
    found = place(wish("model:make_model"), project / "manifests" / "digits")
    assert found.manifest.parent == project / "manifests" / "digits"


def test_package_without_a_project_has_it_where_the_package_is_found(tmp_path: Path) -> None:
    write(tmp_path / "shop" / "models.py")
    (tmp_path / "shop" / "__init__.py").touch()
    found = place(wish("shop.models:make_ranker"), tmp_path)
    assert (found.manifest, found.name) == (tmp_path / MANIFEST, "ranker")


def test_installed_module_has_a_folder_of_its_own(project: Path) -> None:
    found = place(wish("keras.applications:MobileNetV2"), project)
    assert found.manifest == project / "manifests" / "mobilenetv2" / MANIFEST


def test_manifest_that_is_there_is_never_overwritten(project: Path) -> None:
    write(project / "model.py")
    (project / MANIFEST).write_text("mine\n")
    assert refusal(wish("model:make_model"), project) == (
        "model.artifact.yaml: there is a manifest already, and init never overwrites one\n"
        "    edit it, or name another folder and model: `--folder FOLDER --name NAME`"
    )
    assert (project / MANIFEST).read_text() == "mine\n"


def test_name_of_another_manifest_of_the_project_is_not_taken_again(project: Path) -> None:
    write(project / "ranking.py")
    (project / "manifests").mkdir()
    (project / "manifests" / MANIFEST).write_text("name: ranker\n")
    assert refusal(wish("ranking:make_ranker"), project) == (
        "ranking:make_ranker: manifests/model.artifact.yaml names its model 'ranker' already\n"
        "    name another with --name"
    )
    assert place(wish("ranking:make_ranker", name="other"), project).name == "other"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"factory": "rankin:make_ranker"},
            "no module named 'rankin'\n    did you mean 'ranking'?",
        ),
        ({"factory": "ranking:make_rankr"}, "module 'ranking' defines no 'make_rankr'"),
        ({"name": "No"}, "name is 'No', expected lower-case letters"),
        ({"version": "1.10"}, "version is '1.10', expected 1, v1 or a semantic version"),
        ({"kwargs": {"a": "b\u200b"}}, "the string holds the invisible character U+200B"),
        ({"kwargs": {"a b": 1}}, "key 'a b' is not taken, expected the name of a keyword"),
        (
            {"inputs": (Tensor(name="x", shape=(None,), dtype="float"),)},
            "unknown dtype 'float'\n    did you mean 'float64'?",
        ),
    ],
)
def test_mistake_is_told_before_anything_is_run(
    project: Path, asked: dict[str, Any], said: str
) -> None:
    write(project / "ranking.py")
    factory = asked.pop("factory", "ranking:make_ranker")
    assert refusal(wish(factory, **asked), project).startswith(f"{factory}: {said}")
