"""Rebuilds of a released version, held against its lock: elsewhere, and of another model."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from artifactbuild import pipeline, verification
from artifactbuild.job import Job, job
from artifactbuild.manifest.load import load
from artifactbuild.outcome import Outcome
from artifactbuild.pipeline import Wish
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import card, environment, lock, measured, record, revisions
from artifactbuild.release.digest import of_file, of_folder
from artifactbuild.release.record import File
from artifactbuild.review import drift
from artifactbuild.targets import of_manifest
from artifactbuild.worker.server import Server
from tests.hints.following import follow, obey
from tests.releases import commit, git

Edit = Callable[[dict[str, Any]], object]

DENSE = Path(__file__).parent / "samples" / "dense"
FORMATS = ("keras", "weights")
ANEW = (
    "restore the released {}, build it with the artifactbuild of that time, or release it anew: "
    "`artifactbuild bump {}`"
)
ANEW_ELSEWHERE = (
    "restore the released {}, build it with `pip install artifactbuild=={}`, or release it anew: "
    "`artifactbuild bump {}`"
)
NO_REPAIR = (
    "{}: restore the released {}, build it with the artifactbuild of that time, or release it "
    "anew: `artifactbuild bump {}`"
)
NO_REPAIR_ELSEWHERE = (
    "{}: restore the released {}, build it with `pip install artifactbuild=={}`, or release it "
    "anew: `artifactbuild bump {}`"
)
OWN_OUTPUTS = "published (outputs computed on this processor)"
ELSEWHERE = "sse4_2 avx avx2 fma avx512f amx_int8"


@pytest.fixture(scope="module")
def released(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a version once."""
    folder = tmp_path_factory.mktemp("released")
    (folder / "pyproject.toml").touch()
    shutil.copytree(DENSE, folder / "dense")
    (folder / "dense" / "manifest.yaml").rename(folder / "dense" / "model.artifact.yaml")
    manifest = folder / "dense" / "model.artifact.yaml"
    text = manifest.read_text()
    assert "[savedmodel, keras, h5, weights]" in text
    manifest.write_text(text.replace("[savedmodel, keras, h5, weights]", "[keras, weights]"))
    pipeline.build(job(load(manifest), None), server, lambda text: None)
    return folder


@pytest.fixture
def manifest(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a fresh clone: the manifest and its lock, and no artifacts."""
    shutil.copytree(released, tmp_path / "clone", ignore=shutil.ignore_patterns("artifacts"))
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "clone" / "dense" / "model.artifact.yaml"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand on another processor, as far as the environment tells."""
    monkeypatch.setattr(environment, "instruction_sets", lambda: ELSEWHERE)


def rebuilt(server: Server, manifest: Path, **wish: bool) -> Outcome:
    return pipeline.build(work(manifest), server, lambda text: None, Wish(**wish)).outcome


def refused(server: Server, manifest: Path, **wish: bool) -> tuple[Problem, ...]:
    with pytest.raises(Refusal) as refusal:
        rebuilt(server, manifest, **wish)
    return refusal.value.problems


def work(manifest: Path) -> Job:
    return job(load(manifest), None)


def published(manifest: Path) -> dict[str, Mapping[str, str]]:
    own = work(manifest)
    return {format: of_folder(own.folder(format)) for format in FORMATS}


def locked(manifest: Path) -> dict[str, Mapping[str, str]]:
    memory = work(manifest).memory
    assert memory is not None
    return {format: each.files for format, each in memory.artifacts.items()}


def outcomes(outcome: Outcome) -> list[str]:
    return [result.outcome for result in outcome.results]


def notes(outcome: Outcome) -> list[str]:
    return [result.note for result in outcome.results]


def release_anew(server: Server, manifest: Path, named: str) -> None:
    """Bump the version of the manifest that a hint names, and build it."""
    assert obey(f"artifactbuild bump {named}") == 0
    assert set(outcomes(rebuilt(server, manifest))) == {"published"}
    assert drifts(manifest) == []


def drifts(manifest: Path) -> list[str]:
    return [each.name for each in drift.find(work(manifest))]


def edit_lock(manifest: Path, change: Edit) -> bytes:
    path = manifest.with_suffix(".lock")
    data = json.loads(path.read_text())
    change(data)
    path.write_text(lock.text(lock.parsed(json.dumps(data).encode(), "")))
    return path.read_bytes()


def verdicts(manifest: Path) -> list[tuple[str, str, list[str]]]:
    found = [verification.held(target) for target in of_manifest(work(manifest))]
    return [(each.verdict, each.facts, [str(f) for f in each.faults]) for each in found]


@pytest.mark.usefixtures("elsewhere")
def test_another_processor_publishes_the_released_files(server: Server, manifest: Path) -> None:
    before = manifest.with_suffix(".lock").read_bytes()
    outcome = rebuilt(server, manifest)
    assert outcomes(outcome) == ["published", "published"]
    assert outcome.measured == "measured here: every figure is the released one"
    assert published(manifest) == locked(manifest)
    assert manifest.with_suffix(".lock").read_bytes() == before
    assert drifts(manifest) == []
    assert verdicts(manifest) == [("whole", "released", []), ("whole", "released", [])]


@pytest.mark.usefixtures("elsewhere")
def test_facts_that_give_another_record_are_not_adopted(server: Server, manifest: Path) -> None:
    edit_lock(manifest, lambda data: forget(data, "metadata.json", "MODEL_CARD.md"))
    outcome = rebuilt(server, manifest)
    assert outcomes(outcome) == ["published", "published"]
    assert notes(outcome)[0].startswith("metadata.json is of this environment: instruction sets ")
    assert outcome.measured == ""
    made = record.read(work(manifest).folder("keras"))
    assert made.environment["instruction_sets"] == ELSEWHERE
    assert measured.read(work(manifest).store.root, made) is None
    assert drifts(manifest) == []


def forget(data: dict[str, Any], *names: str) -> None:
    for each in data["artifacts"].values():
        for name in names:
            each["files"][name] = "0" * 64


@pytest.mark.usefixtures("elsewhere")
def test_figures_of_this_machine_go_into_its_attestation(server: Server, manifest: Path) -> None:
    rebuilt(server, manifest)
    own = work(manifest)
    kept = measured.read(own.store.root, record.read(own.folder("keras")))
    assert kept is not None
    assert kept.environment["instruction_sets"] == ELSEWHERE
    assert {check.loader for check in kept.checks} >= {"keras", "artifactbuild"}
    (target, _) = of_manifest(own)
    statement, *_ = verification.attested(target, verification.examined(target), "urn:b", None)
    predicate = json.loads(statement.read_text())["predicate"]
    internal = predicate["buildDefinition"]["internalParameters"]["environment"]
    assert internal["instruction_sets"] != ELSEWHERE
    (byproduct,) = predicate["runDetails"]["byproducts"]
    assert byproduct["annotations"]["environment"]["instruction_sets"] == ELSEWHERE
    assert verification.signed(target, verification.examined(target), None).faults == ()


@pytest.mark.usefixtures("elsewhere")
def test_lock_without_facts_of_the_release_is_as_good(server: Server, manifest: Path) -> None:
    files = locked(manifest)
    before = edit_lock(manifest, lambda data: data.pop("release"))
    outcome = rebuilt(server, manifest)
    assert (outcomes(outcome), notes(outcome)) == (["published", "published"], ["", ""])
    assert published(manifest) == files
    assert drifts(manifest) == []
    assert manifest.with_suffix(".lock").read_bytes() == before


def test_released_texts_are_published_again(server: Server, manifest: Path) -> None:
    manifest.write_text(manifest.read_text() + "\nmetadata: {notes: Other words.}\n")
    outcome = rebuilt(server, manifest)
    assert (outcomes(outcome), notes(outcome)) == (["published", "published"], ["", ""])
    assert published(manifest) == locked(manifest)
    assert drifts(manifest) == ["text-changed"]


def test_other_outputs_are_no_drift(server: Server, manifest: Path) -> None:
    before = edit_lock(manifest, lambda data: forget(data, "reference.npz", "metadata.json"))
    outcome = rebuilt(server, manifest)
    assert outcomes(outcome) == [OWN_OUTPUTS, OWN_OUTPUTS]
    assert drifts(manifest) == []
    assert verdicts(manifest) == [("whole", "own", []), ("whole", "own", [])]
    assert manifest.with_suffix(".lock").read_bytes() == before
    assert outcomes(rebuilt(server, manifest)) == ["up to date", "up to date"]


@pytest.mark.parametrize("file", ["model.keras", "reference.npz", "metadata.json", "MODEL_CARD.md"])
def test_other_outputs_do_not_hide_damage(server: Server, manifest: Path, file: str) -> None:
    edit_lock(manifest, lambda data: forget(data, "reference.npz", "metadata.json"))
    rebuilt(server, manifest)
    path = work(manifest).folder("keras") / file
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert [name for name in drifts(manifest) if name.startswith("artifact-")] != []
    assert verdicts(manifest)[0][0] == "refused"


@pytest.mark.usefixtures("elsewhere")
def test_another_payload_is_refused_with_its_cause(server: Server, manifest: Path) -> None:
    def other(data: dict[str, Any]) -> None:
        data["artifacts"]["keras"]["files"]["model.keras"] = "0" * 64

    before = edit_lock(manifest, other)
    memory = work(manifest).memory
    assert memory is not None
    (problem,) = refused(server, manifest)
    (apart,) = environment.drift(memory.environment, environment.here({}))
    assert apart.startswith("instruction sets +amx_int8 -")
    assert problem.message == (
        f"keras is not the v1 that was released: model.keras differs; {apart}"
    )
    assert problem.hint == (
        "use the released v1, or release what this environment makes under a new version: "
        "`artifactbuild bump dense/model.artifact.yaml`; `artifactbuild build --accept-different "
        "dense/model.artifact.yaml` publishes it here as v1, and leaves the lock as it is"
    )
    assert not Path("artifacts/dense").exists()
    outcome = rebuilt(server, manifest, accept_different=True)
    assert outcomes(outcome) == ["published, unlike the lock", "published"]
    assert notes(outcome) == [f"model.keras differs; {apart}", ""]
    assert drifts(manifest) == ["artifact-unlike-lock"]
    assert manifest.with_suffix(".lock").read_bytes() == before
    *_, bumped, _, _ = follow(
        problem.hint,
        "use the released {}, or release what this environment makes under a new version: "
        "`artifactbuild bump {}`; `artifactbuild build --accept-different {}` publishes it here as "
        "{}, and leaves the lock as it is",
    )
    release_anew(server, manifest, bumped)


@pytest.mark.usefixtures("elsewhere")
def test_other_payloads_of_one_cause_are_one_problem(server: Server, manifest: Path) -> None:
    def other(data: dict[str, Any]) -> None:
        data["artifacts"]["keras"]["files"]["model.keras"] = "0" * 64
        data["artifacts"]["weights"]["files"]["ckpt.index"] = "0" * 64
        data["totals"]["weights_digest"] = "0" * 12

    edit_lock(manifest, other)
    (problem,) = refused(server, manifest)
    assert (problem.line, problem.message.partition("; instruction sets ")[0]) == (
        3,
        "keras, weights are not the v1 that was released: model.keras, ckpt.index differ; the "
        "weights differ",
    )


def test_another_payload_without_a_cause_is_never_accepted(server: Server, manifest: Path) -> None:
    edit_lock(manifest, lambda data: forget(data, "model.keras"))
    (problem, _) = refused(server, manifest, accept_different=True)
    assert problem.message.startswith("keras was not reproduced: model.keras is ")


def test_released_figure_must_be_within_its_bound(server: Server, manifest: Path) -> None:
    git("init", "-q")
    commit()
    edit_lock(manifest, lambda data: data["release"]["figures"][0].update(max_abs=0.5))
    (problem,) = refused(server, manifest)
    assert problem.file == "dense/model.artifact.lock"
    assert problem.message.startswith(
        "states a figure of no release: outputs of keras/artifactbuild differ from graph by 0.5, "
    )
    (shown,) = follow(problem.hint, "restore the lock with `git checkout {}`")
    git("checkout", shown)
    assert outcomes(rebuilt(server, manifest)) == ["published", "published"]


def test_lock_that_contradicts_its_own_digests_is_refused(server: Server, manifest: Path) -> None:
    edit_lock(manifest, lambda data: data["release"]["metadata"].update(notes="Edited."))
    problems = refused(server, manifest)
    assert problems[0].message.startswith("keras was not reproduced: MODEL_CARD.md is ")


@pytest.mark.usefixtures("elsewhere")
def test_format_that_joins_elsewhere_is_rebuilt_anywhere(
    server: Server, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest.write_text(manifest.read_text().replace("[keras, weights]", "[keras, weights, h5]"))
    outcome = rebuilt(server, manifest)
    assert outcomes(outcome) == ["published"] * 3
    assert outcome.lock_changed
    memory = work(manifest).memory
    assert memory is not None
    assert memory.environment["instruction_sets"] != ELSEWHERE
    assert memory.artifacts["h5"].own == {"environment": {"instruction_sets": ELSEWHERE}}
    monkeypatch.undo()
    monkeypatch.chdir(manifest.parents[1])
    shutil.rmtree("artifacts")
    assert outcomes(rebuilt(server, manifest)) == ["published"] * 3
    assert of_folder(work(manifest).folder("h5")) == memory.artifacts["h5"].files
    assert published(manifest) == {n: each for n, each in locked(manifest).items() if n != "h5"}


def test_format_of_another_model_does_not_join(server: Server, manifest: Path) -> None:
    manifest.write_text(manifest.read_text().replace("[keras, weights]", "[keras, weights, h5]"))
    edit_lock(manifest, lambda data: data["totals"].update(weights_digest="0" * 12))
    (problem,) = refused(server, manifest)
    assert problem.message == "the model that was made here is not that of v1, its weights differ"
    (bumped,) = follow(problem.hint, "release it under a new version: `artifactbuild bump {}`")
    release_anew(server, manifest, bumped)


def test_newer_metadata_is_a_note(
    server: Server, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = manifest.with_suffix(".lock").read_bytes()
    monkeypatch.setattr(revisions, "CURRENT", {**revisions.CURRENT, "metadata": 2})
    outcome = rebuilt(server, manifest)
    note = (
        "metadata.json and MODEL_CARD.md are written by a newer artifactbuild than the lock's; the "
        "payload is the released one"
    )
    assert (outcomes(outcome), notes(outcome)) == (["published", "published"], [note, note])
    assert record.read(work(manifest).folder("keras")).revision == 2
    assert drifts(manifest) == []
    assert manifest.with_suffix(".lock").read_bytes() == before


def test_newer_writer_of_the_same_bytes_costs_nothing(
    server: Server, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = manifest.with_suffix(".lock").read_bytes()
    monkeypatch.setattr(revisions, "CURRENT", {**revisions.CURRENT, "keras": 2})
    outcome = rebuilt(server, manifest)
    assert (outcomes(outcome), notes(outcome)) == (["published", "published"], ["", ""])
    assert published(manifest) == locked(manifest)
    assert drifts(manifest) == ["writer-newer"]
    assert manifest.with_suffix(".lock").read_bytes() == before


def test_newer_writer_of_other_bytes_is_named_as_the_cause(
    server: Server, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(data: dict[str, Any]) -> None:
        data["artifacts"]["keras"]["files"]["model.keras"] = "0" * 64

    before = edit_lock(manifest, other)
    monkeypatch.setattr(revisions, "CURRENT", {**revisions.CURRENT, "keras": 2})
    (problem,) = refused(server, manifest)
    assert problem.message == (
        "keras is not the v1 that was released: model.keras differs; this artifactbuild writes "
        "keras by revision 2, the lock's by revision 1"
    )
    assert follow(problem.hint, ANEW) == ("v1", "dense/model.artifact.yaml")
    monkeypatch.setattr(environment, "own_version", lambda: "9")
    (problem,) = refused(server, manifest)
    assert problem.message.startswith("keras is not the v1 that was released: model.keras differs;")
    own = json.loads(before)["environment"]["artifactbuild"]
    version, older, bumped = follow(problem.hint, ANEW_ELSEWHERE)
    assert (version, older) == ("v1", own)
    assert not Path("artifacts/dense").exists()
    assert manifest.with_suffix(".lock").read_bytes() == before
    release_anew(server, manifest, bumped)


def test_newer_writer_cannot_repair_with_other_bytes(
    server: Server, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuilt(server, manifest)
    path = work(manifest).folder("keras") / "model.keras"
    path.chmod(0o644)
    path.write_bytes(b"")
    edit_lock(manifest, lambda data: forget(data, "model.keras"))
    monkeypatch.setattr(revisions, "CURRENT", {**revisions.CURRENT, "keras": 2})
    problem, *_ = refused(server, manifest, repair=True)
    assert problem.message.startswith("keras was not repaired, artifacts/dense/keras/v1 is as it ")
    why = "this artifactbuild writes keras by revision 2, the lock's by revision 1"
    assert follow(problem.hint, NO_REPAIR) == (why, "v1", "dense/model.artifact.yaml")
    monkeypatch.setattr(environment, "own_version", lambda: "9")
    problem, *_ = refused(server, manifest, repair=True)
    *_, bumped = follow(problem.hint, NO_REPAIR_ELSEWHERE)
    release_anew(server, manifest, bumped)


def test_released_outputs_are_taken_from_a_format_that_has_them(
    released: Path, server: Server, manifest: Path
) -> None:
    """The outputs that a rebuild computes here are not those of the release, which keras has."""
    shutil.copytree(released / "artifacts", Path("artifacts"))
    for format in FORMATS:
        edit_lock(manifest, lambda data, f=format: release_other_outputs(work(manifest), f, data))
    assert drifts(manifest) == []
    shutil.rmtree(work(manifest).folder("weights"))
    outcome = rebuilt(server, manifest)
    assert outcomes(outcome) == ["up to date", "published"]
    assert published(manifest) == locked(manifest)
    assert outcome.measured == "measured here: every figure is the released one"


def release_other_outputs(own: Job, format: str, data: dict[str, Any]) -> None:
    """Give a published format another reference, with a record and a lock that say so."""
    folder = own.folder(format)
    for path in folder.iterdir():
        path.chmod(0o644)
    with zipfile.ZipFile(folder / "reference.npz", "a") as archive:
        archive.comment = b"other"
    made = record.read(folder)
    other = File(
        sha256=of_file(folder / "reference.npz"), size=made.files["reference.npz"].size + 5
    )
    record.write(replace(made, files={**made.files, "reference.npz": other}), folder)
    (folder / "MODEL_CARD.md").write_text(card.render_file(folder / "metadata.json", own.template))
    data["artifacts"][format]["files"] = of_folder(folder)
