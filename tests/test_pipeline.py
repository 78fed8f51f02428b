"""From manifest to published version and lock, and again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import holding, pipeline
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.release import digest, environment, lock, record
from artifactbuild.release.card import render_file
from artifactbuild.release.digest import of_folder
from artifactbuild.release.store import Store
from artifactbuild.resources import templates
from artifactbuild.worker.settings import RECORDED

TESTS = Path(__file__).parent
DENSE = TESTS / "samples" / "dense"
Copy = Callable[[Path], Path]
Build = Callable[[Path], Outcome]


def outcomes(outcome: Outcome) -> dict[str, str]:
    return {result.format: result.outcome for result in outcome.results}


def test_building_twice_says_up_to_date_and_changes_no_byte(copied: Copy, build: Build) -> None:
    manifest = copied(DENSE)
    project = manifest.parents[1]
    assert set(outcomes(build(manifest)).values()) == {"published"}
    before = of_folder(project)
    again = build(manifest)
    assert set(outcomes(again).values()) == {"up to date"}
    assert not again.lock_changed
    assert of_folder(project) == before


def test_rebuilding_from_the_lock_gives_its_bytes(copied: Copy, build: Build) -> None:
    manifest = copied(DENSE)
    build(manifest)
    before = of_folder(manifest.parents[1])
    shutil.rmtree(manifest.parents[1] / "artifacts")
    again = build(manifest)
    assert set(outcomes(again).values()) == {"published"}
    assert not again.lock_changed
    shutil.rmtree(manifest.parents[1] / "artifacts" / ".measured")
    assert of_folder(manifest.parents[1]) == before


def test_edited_factory_is_refused_until_the_version_is_bumped(copied: Copy, build: Build) -> None:
    manifest = copied(DENSE)
    build(manifest)
    before = of_folder(manifest.parents[1] / "artifacts")
    factory = manifest.parent / "model.py"
    factory.write_text(factory.read_text().replace("units: int = 2", "units: int = 3"))
    with pytest.raises(Refusal) as refused:
        build(manifest)
    assert str(refused.value) == (
        "dense/model.artifact.yaml:3:10: dense v1 was released from other inputs: "
        "model.py changed\n"
        "    version: v1\n"
        "             ^ run `artifactbuild relock dense/model.artifact.yaml` if the model is still "
        "the same, else `artifactbuild bump dense/model.artifact.yaml`"
    )
    assert of_folder(manifest.parents[1] / "artifacts") == before
    manifest.write_text(manifest.read_text().replace("version: v1", "version: v2"))
    assert build(manifest).version == "v2"
    found = lock.read(manifest, "lock")
    assert found is not None
    assert found.version == "v2"


def test_edited_manifest_is_refused_by_the_key_that_changed(copied: Copy, build: Build) -> None:
    manifest = copied(DENSE)
    build(manifest)
    manifest.write_text(manifest.read_text() + "seed: 5\n")
    with pytest.raises(Refusal) as refused:
        build(manifest)
    assert "`seed` in the manifest changed" in refused.value.problems[0].message


def test_comment_in_the_manifest_changes_nothing(copied: Copy, build: Build) -> None:
    manifest = copied(DENSE)
    build(manifest)
    manifest.write_text("# a comment\n" + manifest.read_text())
    assert set(outcomes(build(manifest)).values()) == {"up to date"}


def test_new_format_joins_a_released_version(copied: Copy, build: Build) -> None:
    manifest = copied(DENSE)
    text = manifest.read_text()
    manifest.write_text(text.replace("[savedmodel, keras, h5, weights]", "[keras]"))
    build(manifest)
    manifest.write_text(text.replace("[savedmodel, keras, h5, weights]", "[keras, h5]"))
    assert outcomes(build(manifest)) == {"keras": "up to date", "h5": "published"}
    found = lock.read(manifest, "lock")
    assert found is not None
    assert sorted(found.artifacts) == ["h5", "keras"]


def test_lost_lock_is_written_again_from_the_records(copied: Copy, build: Build) -> None:
    manifest = copied(DENSE)
    build(manifest)
    path = lock.path_of(manifest)
    before = path.read_bytes()
    path.unlink()
    assert set(outcomes(build(manifest)).values()) == {"published, not yet in the lock"}
    assert path.read_bytes() == before


def test_factory_that_is_not_deterministic_is_found_by_the_lock(copied: Copy, build: Build) -> None:
    manifest = copied(DENSE)
    factory = manifest.parent / "model.py"
    text = factory.read_text().replace('name="y"', 'name="y", bias_initializer=bias()')
    factory.write_text(
        "import os\n" + text + "\n\ndef bias():\n"
        "    value = int.from_bytes(os.urandom(2), 'big')\n"
        "    return keras.initializers.Constant(value)\n"
    )
    build(manifest)
    shutil.rmtree(manifest.parents[1] / "artifacts")
    before = lock.path_of(manifest).read_bytes()
    with pytest.raises(Refusal) as refused:
        build(manifest)
    assert (
        "savedmodel was not reproduced: assets.extra/keras/config.json is"
        in refused.value.problems[0].message
    )
    assert lock.path_of(manifest).read_bytes() == before
    assert list(Store(root=manifest.parents[1] / "artifacts").versions()) == []


def test_other_environment_gives_the_released_files_and_leaves_the_lock(
    copied: Copy, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = copied(DENSE)
    build(manifest)
    shutil.rmtree(manifest.parents[1] / "artifacts")
    before = lock.path_of(manifest).read_bytes()
    here = environment.here(RECORDED)
    monkeypatch.setattr(
        environment, "here", lambda settings, formats: {**here, "tensorflow": "2.99.0"}
    )
    again = build(manifest)
    assert set(outcomes(again).values()) == {"published"}
    assert {result.note for result in again.results} == {""}
    assert again.measured == "measured here: every figure is the released one"
    locked = lock.read(manifest, "lock")
    assert locked is not None
    for format, each in locked.artifacts.items():
        folder = manifest.parents[1] / "artifacts" / "dense" / format / "v1"
        assert digest.of_folder(folder) == each.files
    assert lock.path_of(manifest).read_bytes() == before


def test_record_says_what_was_built_from_what(copied: Copy, build: Build) -> None:
    manifest = copied(DENSE)
    build(manifest)
    folder = manifest.parents[1] / "artifacts" / "dense" / "keras" / "v1"
    made = record.read(folder)
    assert made.inputs.sources.keys() == {"model.py"}
    assert (made.model_name, made.format, made.version) == ("dense", "keras", "v1")
    assert made.training == {"optimizer": "Adam", "loss": "mse", "metrics": ["mae"]}
    assert [(t.name, t.shape, t.dtype) for t in made.input_signature] == [
        ("x", (None, 4), "float32")
    ]
    assert set(made.files) == {"model.keras", "reference.npz"}
    assert all(check.passed for check in made.checks)
    text = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert text == render_file(folder / "metadata.json", templates() / "MODEL_CARD.md.j2")
    published = b"".join(path.read_bytes() for path in folder.iterdir())
    assert published.find(str(manifest.parents[1]).encode()) == -1


def test_own_template_makes_the_card_and_is_an_input(copied: Copy, build: Build) -> None:
    manifest = copied(DENSE)
    (manifest.parent / "card.md.j2").write_text("{{ model_name }} in {{ format }}\n")
    manifest.write_text(manifest.read_text() + "card: {template: card.md.j2}\n")
    build(manifest)
    folder = manifest.parents[1] / "artifacts" / "dense" / "keras" / "v1"
    assert (folder / "MODEL_CARD.md").read_text() == "dense in keras\n"
    assert "card.md.j2" in record.read(folder).inputs.sources


def test_script_of_a_failure_shows_it_again(copied: Copy, build: Build) -> None:
    manifest = copied(TESTS / "faults" / "config_forgets_argument")
    with pytest.raises(Refusal) as refused:
        build(manifest)
    script = Path(refused.value.kept) / "reproduce_keras_keras.py"
    shown = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    name, _, difference = shown.stdout.strip().rpartition(" ")
    assert name == "rows/eager/output largest difference"
    assert float(difference) > 1
    assert (Path(refused.value.kept) / "tensors_keras_keras.npz").is_file()


MODELS = ["my_model", "digits"]


@pytest.mark.parametrize("name", MODELS)
def test_model_of_this_repo_builds_as_its_lock_says(copied: Copy, build: Build, name: str) -> None:
    """The committed lock's payload, and its files where this processor gives its outputs."""
    source = TESTS.parent / "manifests" / name
    manifest = copied(source)
    (manifest.parents[1] / "manifests").mkdir()
    manifest = manifest.parent.rename(manifest.parents[1] / "manifests" / name) / manifest.name
    shutil.copy(lock.path_of(source / "model.artifact.yaml"), lock.path_of(manifest))
    found = lock.read(manifest, "lock")
    assert found is not None
    made = outcomes(build(manifest))
    assert set(made.values()) <= {"published", holding.OWN_OUTPUTS}
    for format, outcome in made.items():
        folder = manifest.parents[2] / "artifacts" / name / format / found.version
        files = digest.of_folder(folder)
        assert found.artifacts[format].is_payload(files)
        assert (files == found.artifacts[format].files) == (outcome == "published")


def test_eight_artifacts_answer_to_tensorflow_keras_and_numpy_alone(
    copied: Copy, build: Build
) -> None:
    for name in MODELS:
        build(copied(TESTS.parent / "manifests" / name))
    script = TESTS / "independent.py"
    project = Path.cwd()
    shown = subprocess.run(
        [sys.executable, script, project], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(rows) == 8
    assert {row["outputs"] for row in rows} == {0.0}
    full = [row for row in rows if row["format"] in ("savedmodel", "keras", "h5")]
    assert {row["optimizer"] for row in full} == {"equal"}
    assert {row["iterations"] for row in full if row["model"] == "my_model"} == {80}


def test_manifest_outside_any_repository_builds_from_its_folder(
    server: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: Build
) -> None:
    own = tmp_path / "own"
    (own / "package").mkdir(parents=True)
    shutil.copy(DENSE / "model.py", own / "package" / "networks.py")
    (own / "package" / "__init__.py").touch()
    text = (DENSE / "manifest.yaml").read_text()
    manifest = own / "model.artifact.yaml"
    manifest.write_text(text.replace("model:make_model", "package.networks:make_model"))
    monkeypatch.chdir(own)
    assert set(outcomes(build(manifest)).values()) == {"published"}
    made = record.read(own / "artifacts" / "dense" / "keras" / "v1")
    assert set(made.inputs.sources) == {"package/__init__.py", "package/networks.py"}


def test_plan_needs_no_code_of_the_project(copied: Copy) -> None:
    manifest = copied(DENSE)
    (manifest.parent / "model.py").write_text(
        "raise SystemExit('imported')\ndef make_model():\n    pass\n"
    )
    made = pipeline.plan(job(load(manifest), None))
    assert [step.action for step in made.steps] == ["build"] * 4


def test_moved_manifest_keeps_its_lock(copied: Copy, build: Build) -> None:
    manifest = copied(DENSE)
    build(manifest)
    shutil.rmtree(manifest.parents[1] / "artifacts")
    (manifest.parents[1] / "deeper").mkdir()
    moved = manifest.parent.rename(manifest.parents[1] / "deeper" / "down") / manifest.name
    again = build(moved)
    assert set(outcomes(again).values()) == {"published"}
    assert not again.lock_changed
