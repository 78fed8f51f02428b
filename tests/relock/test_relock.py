"""`relock`, as users run it: what is accepted into a lock, and what is not."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from artifactbuild import pipeline
from artifactbuild.cli import run
from artifactbuild.commands import workers
from artifactbuild.job import job, source_digests
from artifactbuild.manifest.load import load
from artifactbuild.release import environment
from artifactbuild.release.digest import of_folder
from artifactbuild.worker.server import Server
from tests.hints.following import follow, obey
from tests.relock.projects import (
    change_the_model,
    edit,
    locks,
    rename_a_local,
    rewrite,
    texts,
)

MANIFEST = Path("manifests/dense/model.artifact.yaml")
LOCK = Path("manifests/dense/model.artifact.lock")
BUMP = f"`artifactbuild bump {MANIFEST}`"
COPY = (
    "copy the released artifacts of {} to {}/ and run this again; or release a new version: "
    "`artifactbuild bump {}`"
)

ON_ANOTHER = (
    "the processor is not that of the release either ({}), so the edit is not shown to be the "
    "cause: run `artifactbuild relock {}` on one that is; release it under a new version: "
    "`artifactbuild bump {}`"
)

Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Run a command; return its exit code, what it says, and its problems without progress."""

    def said(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(arguments)
        out, err = capsys.readouterr()
        lines = [line for line in err.splitlines() if not line.startswith("dense v1: ")]
        return code, out, "\n".join(lines)

    return said


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Give what lets a command fail that starts TensorFlow."""

    def started(wish: object) -> None:
        pytest.fail("a server was started")

    return lambda: monkeypatch.setattr(workers, "server", started)


def test_source_that_makes_the_same_model_is_accepted(here: Path, told: Told) -> None:
    before, others, published = locks(), texts(), of_folder(here / "artifacts")
    rename_a_local()
    assert told("relock") == (
        0,
        "dense v1\n"
        "  source   accepted      ../../shared.py changed\n"
        "  keras    same payload  10 checks\n"
        "  weights  same payload  7 checks\n"
        f"  lock     written       {LOCK}\n",
        "",
    )
    assert texts() == others, "nothing but the inputs changed in the lock, to the byte"
    (after,), (was,) = locks().values(), before.values()
    now = source_digests(job(load(MANIFEST), None), ["../../shared.py"])
    assert after["inputs"]["sources"] == now
    assert after["inputs"] == {**was["inputs"], "sources": now}
    assert of_folder(here / "artifacts") == published, "nothing was published"
    assert told("check") == (0, f"{MANIFEST}: dense v1 is good\n", "")
    assert told("verify")[0] == 0
    assert told("reproduce") == (
        0,
        "dense v1\n  keras    identical  4 files\n  weights  identical  5 files\n"
        "  lock     identical\n",
        "dense v1 again: another process",
    )


def test_fresh_clone_of_a_relocked_version_builds_the_released_files(
    here: Path, told: Told
) -> None:
    published = of_folder(here / "artifacts" / "dense")
    rename_a_local()
    assert told("relock")[0] == 0
    shutil.rmtree("artifacts")
    before = LOCK.read_bytes()
    code, out, _ = told("build")
    assert code == 0
    assert "published  10 checks" in out
    assert of_folder(here / "artifacts" / "dense") == published
    assert LOCK.read_bytes() == before


@pytest.mark.slow
def test_build_names_what_accepts_an_edit(here: Path, told: Told) -> None:
    either = (
        "run `artifactbuild relock {}` if the model is still the same, else `artifactbuild bump {}`"
    )
    rename_a_local()
    same, _ = follow(told("build")[2], either)
    assert obey(f"artifactbuild relock {same}") == told("build")[0] == 0
    change_the_model()
    same, other = follow(told("build")[2], either)
    assert obey(f"artifactbuild relock {same}") == 1
    assert obey(f"artifactbuild bump {other}") == told("build")[0] == told("check")[0] == 0


@pytest.mark.slow
def test_line_endings_are_restored_before_an_edit_is_accepted(here: Path, told: Told) -> None:
    inputs = locks()["dense"]["inputs"]
    read = {"rows.csv": hashlib.sha256(b"1,2\n").hexdigest()}
    rewrite(LOCK, inputs={**inputs, "sources": {**inputs["sources"], **read}})
    LOCK.with_name("rows.csv").write_bytes(b"1,2\r\n")
    rename_a_local()
    cure, manifest, _ = follow(
        told("build")[2],
        "run `{}`; then, run `artifactbuild relock {}` if the model is still the same, else "
        "`artifactbuild bump {}`",
    )
    subprocess.run(cure, shell=True, check=True)
    assert obey(f"artifactbuild relock {manifest}") == told("build")[0] == told("check")[0] == 0


def test_another_model_is_refused_in_the_words_of_diff(here: Path, told: Told) -> None:
    before, published = LOCK.read_bytes(), of_folder(here / "artifacts" / "dense")
    change_the_model()
    code, out, err = told("relock")
    assert code == 1
    assert out == (
        "dense v1: 1 layer changed, contract unchanged, outputs moved by at most 1; proven by 17 "
        "checks\n"
        "  v1 as released → rebuilt here\n"
        "architecture\n"
        "  changed  y  Dense  bias_initializer default → Ones\n"
        "weights, |after - before| / |before|\n"
        "  y  87.5 %\n"
        "outputs on the same reference inputs\n"
        "  output moved by at most 1, 1 on average, on values up to 1.7; 0 of 8 rows choose "
        "otherwise (0 %)\n"
        "size\n"
        "  keras  19.0 kB → 19.0 kB (-0.0053 %)\n"
        "sources\n"
        "  ../../shared.py  changed\n"
        "the same on both sides: contract, validation, manifest, environment\n"
    )
    first, *_ = err.splitlines()
    assert first == (
        f"{MANIFEST}:5:11: keras is not the v1 that was released since ../../shared.py changed: "
        "model.keras: member 'config.json': "
        "config.layers[1].config.bias_initializer.class_name is 'Ones', was 'Zeros'"
    )
    assert f"release it under a new version: {BUMP}" in err
    assert "processor" not in err
    assert "kept for a look: artifacts/.failed/dense/v1" in err
    assert LOCK.read_bytes() == before
    assert of_folder(here / "artifacts" / "dense") == published


@pytest.mark.slow
def test_another_model_is_told_from_the_lock_where_nothing_is_published(
    here: Path, told: Told
) -> None:
    shutil.rmtree("artifacts")
    change_the_model()
    code, out, err = told("relock")
    assert code == 1
    assert "  changed  y  Dense  bias_initializer default → Ones\n" in out
    assert "1 of 1 layers have other weights: y" in out
    assert "not compared: the artifacts of v1 (v1 as released) are not at hand" in out
    assert "changed: model.keras has other bytes than the lock names" in err


def test_edit_is_not_blamed_where_the_processor_differs_too(
    here: Path, told: Told, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    change_the_model()
    monkeypatch.setattr(environment, "instruction_sets", lambda: "sse4_2 avx")
    code, _, err = told("relock")
    assert code == 1
    assert "the processor is not that of the release either (instruction sets " in err
    assert (
        "so the edit is not shown to be the cause: run `artifactbuild relock "
        f"{MANIFEST}` on one that is; release it under a new version: {BUMP}"
    ) in err
    before, named, manifest = follow(err, ON_ANOTHER)
    assert before.startswith("instruction sets ")
    monkeypatch.undo()
    monkeypatch.chdir(here)
    monkeypatch.setattr(workers, "server", lambda wish: nullcontext(server))
    assert "processor" not in told("relock", named)[2]
    assert told("bump", manifest)[0] == told("check")[0] == 0


def test_processor_alone_is_nothing_to_accept(
    here: Path, told: Told, monkeypatch: pytest.MonkeyPatch, no_server: Callable[[], None]
) -> None:
    monkeypatch.setattr(environment, "instruction_sets", lambda: "sse4_2 avx")
    no_server()
    assert told("relock")[0] == 0


def test_nothing_to_accept_is_told_without_a_build(
    here: Path, told: Told, no_server: Callable[[], None]
) -> None:
    before = LOCK.read_bytes()
    no_server()
    assert told("relock") == (
        0,
        "dense v1\n"
        f"  lock  unchanged  {LOCK}\n"
        "  nothing to accept: the inputs and the environment are those of the lock\n",
        "",
    )
    assert LOCK.read_bytes() == before


@pytest.mark.slow
def test_answer_as_json(here: Path, told: Told) -> None:
    rename_a_local()
    code, out, _ = told("relock", "--json")
    assert code == 0
    assert json.loads(out) == {
        "versions": [
            {
                "model": "dense",
                "version": "v1",
                "manifest": str(MANIFEST),
                "accepted": [
                    {
                        "kind": "source",
                        "name": "../../shared.py",
                        "what": "../../shared.py changed",
                    }
                ],
                "formats": [
                    {"format": "keras", "checks": 10, "note": ""},
                    {"format": "weights", "checks": 7, "note": ""},
                ],
                "notes": [],
                "lock": str(LOCK),
                "lock_changed": True,
            }
        ],
        "differences": [],
        "problems": [],
        "kept": None,
    }
    change_the_model()
    code, out, _ = told("relock", "--json")
    answer = json.loads(out)
    assert code == 1
    assert [each["message"].partition(":")[0] for each in answer["problems"]] == [
        "keras is not the v1 that was released since ../../shared.py changed",
        "weights is not the v1 that was released since ../../shared.py changed",
    ]
    (found,) = answer["differences"]
    assert [each["name"] for each in found["layers"]["changes"]] == ["y"]
    assert answer["kept"] == "artifacts/.failed/dense/v1"


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lambda: LOCK.unlink(), "v1 was never built: there is no lock"),
        (
            lambda: edit(MANIFEST, "version: v1", "version: v2"),
            "v2 was never built: the lock is of v1",
        ),
    ],
)
def test_version_that_was_never_built_has_nothing_to_accept_into(
    here: Path,
    told: Told,
    no_server: Callable[[], None],
    prepare: Callable[[], None],
    why: str,
) -> None:
    prepare()
    no_server()
    code, out, err = told("relock")
    assert (code, out) == (1, "")
    assert f":3:10: {why}, and nothing to accept into it\n" in err
    assert f"`artifactbuild build {MANIFEST}`" in err


@pytest.mark.parametrize(
    ("edited", "place", "what"),
    [
        (
            lambda: MANIFEST.write_text(
                MANIFEST.read_text() + "validation: {tolerance: {atol: 0.1}}\n"
            ),
            "9:13",
            "`validation` in the manifest changed",
        ),
        (
            lambda: edit(MANIFEST, "name: rows", "name: lines"),
            "7:3",
            "`reference_inputs` in the manifest changed",
        ),
        (
            lambda: edit(
                MANIFEST, "[keras, weights]", "{keras: {tolerance: {atol: 0.5}}, weights: {}}"
            ),
            "5:11",
            "the options of keras changed",
        ),
    ],
)
def test_contract_is_never_accepted(
    here: Path,
    told: Told,
    no_server: Callable[[], None],
    edited: Callable[[], None],
    place: str,
    what: str,
) -> None:
    rename_a_local()
    edited()
    no_server()
    before = LOCK.read_bytes()
    code, out, err = told("relock")
    assert (code, out) == (1, "")
    assert (
        f"{MANIFEST}:{place}: {what} since v1 was released: "
        f"{'they are' if 'options' in what else 'it is'} part of the contract, and cannot be "
        "accepted\n"
    ) in err
    err_of_relock = err
    assert LOCK.read_bytes() == before
    code, _, err = told("check")
    assert code == 1
    assert "relock" not in err, "no cure where something else changed, too"
    assert "relock" not in told("build")[2]
    assert "relock" not in told("plan")[1]
    (manifest,) = follow(err_of_relock, "release it under a new version: `artifactbuild bump {}`")
    assert obey(f"artifactbuild bump {manifest}") == 0
    assert told("check")[0] == 0


def test_keys_of_the_manifest_that_give_the_same_payload_are_accepted(
    here: Path, told: Told, server: Server
) -> None:
    """The record repeats them; the lock keeps what the released one says."""
    published = of_folder(here / "artifacts" / "dense")
    edit(
        "shared.py",
        "def make_model",
        "def make_it(units):\n    return make_model(units)\n\n\ndef make_model",
    )
    edit(MANIFEST, "factory: shared:make_model", "factory: shared:make_it\nkwargs: {units: 2}")
    code, out, _ = told("check", "--format", "github")
    assert (
        f"file={MANIFEST},line=4,col=10::manifest-changed: `factory` in the manifest changed since "
        f"v1 was released%0A`artifactbuild relock {MANIFEST}` if the model is still the same, else "
        f"{BUMP}"
    ) in out
    code, out, err = told("relock")
    assert (code, err) == (0, "")
    assert [line.split("  accepted  ")[1].strip() for line in out.splitlines()[1:4]] == [
        "`factory` changed",
        "`kwargs` changed",
        "../../shared.py changed",
    ]
    assert told("check")[:2] == (0, f"{MANIFEST}: dense v1 is good\n")
    assert told("reproduce")[1].count("identical") == 3
    shutil.rmtree("artifacts")
    assert told("build")[0] == 0
    assert of_folder(here / "artifacts" / "dense") == published


@pytest.mark.parametrize("way", ["copy", "bump"])
def test_keys_that_the_record_repeats_need_the_released_one(
    here: Path, told: Told, way: str
) -> None:
    Path("artifacts").rename("released")
    before = LOCK.read_bytes()
    edit(MANIFEST, "factory: shared:make_model", "factory: shared:make_model\nkwargs: {units: 2}")
    code, _, err = told("relock")
    assert code == 1
    assert (
        f"{MANIFEST}:5:9: `kwargs` changed, which metadata.json of keras states: the released one "
        "is not here, so the lock cannot keep what it says\n"
    ) in err
    assert LOCK.read_bytes() == before
    version, folder, manifest = follow(err, COPY)
    if way == "copy":
        shutil.copytree(Path("released", "dense"), Path(folder, "dense"), dirs_exist_ok=True)
        assert version == "v1"
        assert told("relock")[0] == told("check", "--strict")[0] == 0
    else:
        assert obey(f"artifactbuild bump {manifest}") == 0
        assert told("build")[0] == told("check")[0] == 0


@pytest.mark.slow
def test_seed_that_changes_the_weights_is_refused(here: Path, told: Told) -> None:
    edit(MANIFEST, "factory:", "seed: 7\nfactory:")
    code, out, err = told("relock")
    assert code == 1
    assert "same layers, 1 of 1 with other weights, contract unchanged" in out
    assert "keras is not the v1 that was released since `seed` changed: model.keras: " in err


def test_text_is_left_for_the_next_version(here: Path, told: Told) -> None:
    before = locks()["dense"]["inputs"]["manifest"]
    MANIFEST.write_text(MANIFEST.read_text() + "metadata: {notes: now told}\n")
    code, out, _ = told("relock")
    assert code == 0
    assert "nothing to accept" in out
    rename_a_local()
    assert told("relock")[0] == 0
    assert locks()["dense"]["inputs"]["manifest"] == before


@pytest.mark.slow
@pytest.mark.parametrize("way", ["ask", "drop"])
def test_dropped_format_is_not_shown_to_be_the_same(
    here: Path, told: Told, no_server: Callable[[], None], way: str
) -> None:
    edit(MANIFEST, "[keras, weights]", "[keras]")
    rename_a_local()
    no_server()
    code, _, err = told("relock")
    assert code == 1
    assert (
        f"{MANIFEST}:5:1: weights was released in v1, and is not asked for any more: what is not "
        "rebuilt cannot be shown to be the same\n"
    ) in err
    again = "ask for {} again, or drop it in a new version: `artifactbuild bump {}`"
    format, manifest = follow(err, again)
    if way == "ask":
        edit("shared.py", "answers", "outputs")
        edit(MANIFEST, "[keras]", f"[keras, {format}]")
        assert told("relock")[0] == 0
    else:
        assert obey(f"artifactbuild bump {manifest}") == 0
    assert told("check")[0] == 0


@pytest.mark.slow
def test_format_that_is_not_released_is_not_built(here: Path, told: Told) -> None:
    edit(MANIFEST, "[keras, weights]", "[keras, weights, h5]")
    rename_a_local()
    code, out, _ = told("relock")
    assert code == 0
    assert "  keras    same payload  10 checks\n  weights  same payload  7 checks\n  lock" in out
    assert (
        f"  h5: not in the lock of v1, and not built by this (`artifactbuild build {MANIFEST}`)\n"
    ) in out
    assert told("build")[0] == 0, "and then it can be"
    assert "h5" in locks()["dense"]["artifacts"]


@pytest.mark.slow
def test_file_that_is_read_no_more_is_no_input_any_more(
    here: Path, told: Told, server: Server
) -> None:
    Path("helper.py").write_text("UNITS = 2\n")
    edit("shared.py", "import keras\n", "import helper\nimport keras\n")
    edit("shared.py", "units: int = 2", "units: int = helper.UNITS")
    code, out, _ = told("relock")
    assert code == 0
    assert "  source   accepted      ../../helper.py is read now\n" in out
    edit("shared.py", "import helper\nimport keras\n", "import keras\n")
    edit("shared.py", "helper.UNITS", "2")
    code, out, _ = told("relock")
    assert code == 0
    assert "  source   accepted      ../../helper.py is not read any more\n" in out
    Path("helper.py").write_text("UNITS = 3\n")
    assert told("check")[:2] == (0, f"{MANIFEST}: dense v1 is good\n")
    assert told("plan")[1].startswith("dense v1: nothing to build, 2 kept\n")


@pytest.mark.slow
def test_record_of_the_release_adds_no_inputs_to_the_lock(here: Path, told: Told) -> None:
    """What the release was made from and today's build does not read may change."""
    Path("other.py").write_text(Path("shared.py").read_text())
    edit("shared.py", "import keras\n", "import other\n")
    text = Path("shared.py").read_text()
    Path("shared.py").write_text(
        text.partition("\n\n\n")[0] + "\n\nmake_model = other.make_model\n"
    )
    edit(MANIFEST, "shared:make_model", "other:make_model")
    assert told("relock")[0] == 0
    Path("shared.py").write_text("raise SystemExit\n")
    assert told("check")[:2] == (0, f"{MANIFEST}: dense v1 is good\n")
    assert told("plan")[1].startswith("dense v1: nothing to build, 2 kept\n")


def test_other_reference_inputs_are_refused(here: Path, told: Told, server: Server) -> None:
    rows = np.linspace(-1, 1, 32, dtype="float32").reshape(8, 4)
    np.savez("manifests/dense/rows.npz", x=rows)
    edit(MANIFEST, "    x: {normal: true, shape: [8, 4]}", "    file: rows.npz")
    edit(MANIFEST, "version: v1", "version: v2")
    pipeline.build(job(load(MANIFEST), None), server, lambda text: None)
    np.savez("manifests/dense/rows.npz", x=rows + 1)
    before = LOCK.read_bytes()
    for published in (True, False):
        if not published:
            shutil.rmtree("artifacts")
        code, _, err = told("relock")
        assert code == 1
        assert (
            f"{MANIFEST}:7:3: the reference inputs are not those that v2 was released with\n"
        ) in err
        assert LOCK.read_bytes() == before


class TestOldLock:
    """A lock of an artifactbuild that did not keep the facts of the release."""

    @pytest.fixture
    def old(self, here: Path) -> dict[str, object]:
        """Give the lock as it was before, and have one without the facts."""
        new = locks()["dense"]
        rewrite(LOCK, release=None)
        assert "release" not in locks()["dense"]
        return new

    def test_published_records_have_the_facts(
        self, old: dict[str, object], told: Told, no_server: Callable[[], None]
    ) -> None:
        no_server()
        code, out, _ = told("relock")
        assert code == 0
        assert out == (
            f"dense v1\n  lock  written  {LOCK}\n"
            "  the lock keeps the facts of the release now, as the published records state them\n"
        )
        assert locks()["dense"] == old

    def test_rebuild_has_the_facts_where_it_gives_the_released_records(
        self, old: dict[str, object], told: Told
    ) -> None:
        shutil.rmtree("artifacts")
        rename_a_local()
        code, out, _ = told("relock")
        assert code == 0
        assert out.endswith(
            "  the lock keeps the facts of the release now, as the rebuild states them\n"
        )
        after = locks()["dense"]
        assert after.pop("inputs") != old.pop("inputs")
        assert after == old

    def test_version_stays_where_the_facts_cannot_be_found(
        self, old: dict[str, object], told: Told
    ) -> None:
        """As by a processor that measures another figure: the record has another digest."""
        shutil.rmtree("artifacts")
        artifacts = locks()["dense"]["artifacts"]
        artifacts["keras"]["files"]["metadata.json"] = "0" * 64
        rewrite(LOCK, artifacts=artifacts)
        before = LOCK.read_bytes()
        code, out, _ = told("relock")
        assert code == 0
        assert out.endswith(
            "  the facts of the release cannot be found here: the lock is of an artifactbuild that "
            "did not keep them, and stays as it is; a build is `published` all the same\n"
        )
        assert LOCK.read_bytes() == before
        rename_a_local()
        code, _, err = told("relock")
        assert code == 1
        assert (
            f"{MANIFEST}:3:10: the payloads are those of v1, but the facts of its release cannot "
            "be found here: the lock does not keep them, and the rebuild states others\n"
        ) in err
        assert BUMP in err
        assert LOCK.read_bytes() == before

    def test_digests_of_bytes_are_renewed_without_a_build(
        self, old: dict[str, object], told: Told, no_server: Callable[[], None]
    ) -> None:
        inputs = locks()["dense"]["inputs"]
        plain = hashlib.sha256(Path("shared.py").read_bytes()).hexdigest()
        rewrite(
            LOCK, inputs={**inputs, "sources": {"../../shared.py": plain}}, release=old["release"]
        )
        no_server()
        code, out, _ = told("relock")
        assert code == 0
        assert out == (
            f"dense v1\n  lock  written  {LOCK}\n"
            "  Python sources are compared by their code from now on, not by their bytes\n"
        )
        assert locks()["dense"] == old

    def test_comment_in_a_source_that_is_locked_by_its_bytes_is_accepted(
        self, old: dict[str, object], told: Told
    ) -> None:
        """And the digest is of today's kind afterwards."""
        source = Path("shared.py")
        inputs = locks()["dense"]["inputs"]
        inputs["sources"] = {"../../shared.py": hashlib.sha256(source.read_bytes()).hexdigest()}
        rewrite(LOCK, inputs=inputs)
        source.write_text(source.read_text() + "# a comment\n")
        code, out, _ = told("relock")
        assert code == 0
        assert "  source   accepted      ../../shared.py changed\n" in out
        now = source_digests(job(load(MANIFEST), None), ["../../shared.py"])
        assert locks()["dense"]["inputs"]["sources"] == now
