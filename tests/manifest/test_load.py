"""The door: broken manifests earn their exact message; projects and manifests are found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from artifactbuild import resources
from artifactbuild.manifest.find import NAME
from artifactbuild.manifest.load import find, load, namesakes, project_of
from artifactbuild.problems import Refusal, summary

BROKEN = Path(__file__).parent / "broken"
FAULTS = sorted(path.stem for path in BROKEN.glob("*.yaml"))
GOOD = """\
schema_version: 1
name: my_model
version: v1
factory: model:make_model
formats: [keras]
reference_inputs:
  - name: ramp
    features: {linspace: [-1.0, 1.0], shape: [1, 4]}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that holds the broken manifests and what they name."""
    folder = tmp_path / "project"
    shutil.copytree(BROKEN, folder, ignore=shutil.ignore_patterns("*.txt"))
    (folder / "pyproject.toml").touch()
    # Written here, as a file that is no Python would fail every linter of this repo.
    (folder / "syntax_error.py").write_text("import os\n\n\ndef make_model()\n    return 1\n")
    monkeypatch.chdir(folder)
    return folder


def write(path: Path, text: str = GOOD) -> Path:
    """Write a manifest, with a module for its factory beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    (path.parent / "model.py").write_text("def make_model(): ...\n")
    return path


def refusal(path: Path) -> str:
    """Give what is said of a manifest that is refused."""
    with pytest.raises(Refusal) as caught:
        load(path)
    return f"{caught.value}\n{summary(caught.value.problems)}\n"


KEYS = sorted({*resources.schema("model.artifact")["properties"]} - {"factory", "schema_version"})


@pytest.mark.parametrize("key", KEYS)
def test_what_a_manifest_names_is_looked_up_whatever_else_is_broken(
    key: str, project: Path
) -> None:
    entries = {
        "factory": "model:make_modle",
        "schema_version": "1",
        "name": "my_model",
        "version": "v1",
        "formats": "[keras]",
        "reference_inputs": "[{name: ramp, x: {linspace: [0, 1], shape: [1, 4]}}]",
        key: "7.5",
    }
    text = "".join(f"{name}: {value}\n" for name, value in entries.items())
    said = refusal(write(project / "own" / NAME, text))
    assert "own/model.artifact.yaml:1:10: module 'model' defines no 'make_modle'" in said
    assert f"{key}: 7.5" in said
    assert said.endswith("\n2 problems\n")


def test_names_are_looked_up_beside_faults_of_yaml(project: Path) -> None:
    text = GOOD.replace("make_model", "make_modle") + "seed: 1\nseed: 2\n"
    said = refusal(write(project / "own" / NAME, text))
    assert "module 'model' defines no 'make_modle'" in said
    assert "seed: 2" in said
    assert said.endswith("\n2 problems\n")


@pytest.mark.parametrize(
    ("good", "bad"),
    [("factory: model:make_model", "factory: 7"), ("schema_version: 1", "schema_version: 2")],
)
def test_without_a_factory_or_of_another_version_nothing_is_looked_up(
    good: str, bad: str, project: Path
) -> None:
    text = GOOD.replace(good, bad) + "custom_objects: [model:Nowhere]\n"
    said = refusal(write(project / "own" / NAME, text))
    assert bad in said
    assert said.endswith("\n1 problem\n")


@pytest.mark.parametrize("fault", FAULTS)
def test_broken_manifest_earns_its_message(fault: str, project: Path, update_golden: bool) -> None:
    before = sorted(project.rglob("*"))
    said = refusal(project / f"{fault}.yaml")
    golden = BROKEN / f"{fault}.txt"
    if update_golden:
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")
    assert sorted(project.rglob("*")) == before


def test_every_golden_has_its_manifest() -> None:
    assert sorted(path.stem for path in BROKEN.glob("*.txt")) == FAULTS
    assert len(FAULTS) >= 32


@pytest.mark.parametrize("fault", FAULTS)
def test_broken_manifest_is_never_told_in_validator_jargon(fault: str) -> None:
    said = (BROKEN / f"{fault}.txt").read_text(encoding="utf-8")
    jargon = ["is not of type", "does not match", "is not valid under", "should be non-empty"]
    assert not [words for words in jargon if words in said]
    assert "None" not in said
    assert "Traceback" not in said


def test_good_manifest_is_loaded_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    path = write(tmp_path / "manifests" / "mine" / NAME)
    loaded = load(path)
    assert loaded.manifest.name == "my_model"
    assert (loaded.path, loaded.project) == (path, tmp_path)


def test_problem_names_the_file_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "manifests" / NAME, GOOD.replace("v1", "1.5"))
    monkeypatch.chdir(tmp_path)
    assert refusal(path).startswith(f"manifests/{NAME}:3:10: version is 1.5 (a number)")
    monkeypatch.chdir(path.parent)
    assert refusal(Path(NAME)).startswith(f"{NAME}:3:10: ")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert refusal(path).startswith(f"{path.as_posix()}:3:10: ")


def test_manifest_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: no such file or directory" in refusal(tmp_path / NAME)


def test_project_is_the_nearest_marked_folder(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c" / NAME
    path.parent.mkdir(parents=True)
    assert project_of(path) == path.parent
    (tmp_path / "a" / ".git").mkdir()
    assert project_of(path) == tmp_path / "a"
    (tmp_path / "a" / "b" / "pyproject.toml").touch()
    assert project_of(path) == tmp_path / "a" / "b"


def test_manifests_are_found_sorted_and_once(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a" / NAME), write(tmp_path / "b" / "c" / NAME)
    assert find([], tmp_path) == (first, second)
    assert find(["b", f"a/{NAME}", ".", "b/../a"], tmp_path) == (first, second)
    assert find([str(second)], tmp_path / "a") == (second,)


@pytest.mark.parametrize("folder", [".hidden", "node_modules", "__pycache__", "artifacts", "env"])
def test_folders_of_others_are_skipped(folder: str, tmp_path: Path) -> None:
    write(tmp_path / folder / "deep" / NAME)
    if folder == "env":
        (tmp_path / folder / "pyvenv.cfg").touch()
    mine = write(tmp_path / "mine" / NAME)
    assert find([], tmp_path) == (mine,)


def test_search_that_finds_nothing_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "models" / NAME)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refusal) as caught:
        find(["empty", "modles", "models"], tmp_path)
    assert str(caught.value) == (
        "empty: no manifest in this folder\n"
        "    a manifest is a file named model.artifact.yaml; `artifactbuild init` writes one\n"
        "modles: no such file or folder\n"
        "    did you mean 'models'?"
    )


def test_second_manifest_of_one_name_names_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    loaded = [load(write(tmp_path / folder / NAME)) for folder in ("a", "b")]
    (problem,) = namesakes(loaded)
    assert problem.render() == (
        "b/model.artifact.yaml:2:7: model 'my_model' is also that of a/model.artifact.yaml\n"
        "    name: my_model\n"
        "          ^ rename one of the two"
    )
    assert namesakes([loaded[0], loaded[0]]) == ()


def test_manifests_of_two_projects_may_share_a_name(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(tmp_path / folder / NAME)
        (tmp_path / folder / "pyproject.toml").touch()
    assert namesakes([load(path) for path in find([], tmp_path)]) == ()
