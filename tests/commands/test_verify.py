"""`verify`, as users run it: drift in three lists, what is refused unopened, what it imports."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artifactbuild import resources, verification
from artifactbuild.cli import run
from artifactbuild.data import encode
from artifactbuild.job import Job, job
from artifactbuild.manifest.load import load
from artifactbuild.release import card, digest
from artifactbuild.targets import Target
from artifactbuild.verification import Verdict
from artifactbuild.worker.server import Server
from tests.hostile import artifacts
from tests.hostile.ground import prepared, resealed
from tests.release import kept

HEAVY = ("tensorflow", "keras", "numpy", "h5py")


@pytest.fixture
def root(project: Path) -> Path:
    return kept.lay_out(project)


def verdicts(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    run(["verify", *arguments, "--json"])
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_whole_artifacts_are_said_to_be(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "dense"]) == 0
    said = capsys.readouterr().out.replace("artifacts/dense/", "")
    assert said == (
        "  h5/v1          whole  dense@v1/h5          4 files  record and lock  unsigned\n"
        "  keras/v1       whole  dense@v1/keras       4 files  record and lock  unsigned\n"
        "  onnx/v1        whole  dense@v1/onnx        4 files  record and lock  unsigned\n"
        "  savedmodel/v1  whole  dense@v1/savedmodel  8 files  record and lock  unsigned\n"
        "  tflite/v1      whole  dense@v1/tflite      4 files  record and lock  unsigned\n"
        "  weights/v1     whole  dense@v1/weights     5 files  record and lock  unsigned\n"
        "  weights_h5/v1  whole  dense@v1/weights_h5  4 files  record and lock  unsigned\n"
    )


@pytest.mark.parametrize(
    ("arguments", "count", "lock"),
    [
        (["artifacts"], 7, ""),
        (["artifacts/dense"], 7, ""),
        (["artifacts/dense/keras"], 1, ""),
        (["artifacts/dense/keras/v1"], 1, ""),
        (["artifacts/dense/keras/v1", "dense"], 1, "dense/model.artifact.lock"),
        (["artifacts", "dense/model.artifact.yaml"], 7, "dense/model.artifact.lock"),
        ([], 7, "dense/model.artifact.lock"),
    ],
)
def test_arguments_name_artifacts_trees_or_manifests(
    root: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    count: int,
    lock: str,
) -> None:
    found = verdicts(capsys, *arguments)
    assert [each["verdict"] for each in found] == ["whole"] * count
    assert {each["lock"] for each in found} == {lock}


def test_drift_is_three_sorted_lists(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = root / "dense" / "savedmodel" / "v1"
    lock = json.loads(Path("dense/model.artifact.lock").read_text())
    locked = lock["artifacts"]["savedmodel"]["files"]
    (folder / "zeta").write_text("z")
    (folder / "assets").mkdir(exist_ok=True)  # git keeps no empty folder
    (folder / "assets" / "alpha").write_text("a")
    (folder / "fingerprint.pb").unlink()
    (folder / "reference.npz").unlink()
    (folder / "saved_model.pb").write_bytes(b"other")
    (verdict,) = verdicts(capsys, "dense", "artifacts/dense/savedmodel")
    changed = {
        "file": "saved_model.pb",
        "expected": locked["saved_model.pb"],
        "actual": digest.of_bytes(b"other"),
    }
    lists = {
        "changed": [changed],
        "extra": ["assets/alpha", "zeta"],
        "missing": ["fingerprint.pb", "reference.npz"],
    }
    assert verdict["drifts"] == [{"against": "record", **lists}, {"against": "lock", **lists}]
    assert [(each["kind"], each["file"]) for each in verdict["faults"]] == [
        ("extra", "assets/alpha"),
        ("missing", "fingerprint.pb"),
        ("missing", "reference.npz"),
        ("changed", "saved_model.pb"),
        ("extra", "zeta"),
    ]


def test_record_that_was_rewritten_with_its_payload_is_caught_by_the_lock(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / "dense" / "tflite" / "v1"
    metadata = json.loads((folder / "metadata.json").read_text())
    (folder / "model.tflite").write_bytes(b"other")
    metadata["files"]["model.tflite"] = {"sha256": digest.of_bytes(b"other"), "size": 5}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    text = card.render(metadata, resources.card_template())
    (folder / "MODEL_CARD.md").write_text(text)
    assert verdicts(capsys, "artifacts/dense/tflite")[0]["verdict"] == "whole"
    (verdict,) = verdicts(capsys, "artifacts/dense/tflite", "dense")
    assert verdict["drifts"][0]["changed"] == []
    against_lock = verdict["drifts"][1]
    assert against_lock["against"] == "lock"
    assert [each["file"] for each in against_lock["changed"]] == [
        "MODEL_CARD.md",
        "metadata.json",
        "model.tflite",
    ]


def test_missing_record_and_missing_artifact_are_told(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "dense" / "h5" / "v1" / "metadata.json").unlink()
    shutil.rmtree(root / "dense" / "keras")
    assert run(["verify"]) == 1
    out, err = capsys.readouterr()
    assert "artifacts/dense/h5/v1          refused" in out
    assert (
        "artifacts/dense/keras/v1: is in the lock, and not published here [missing]\n"
        "    run `artifactbuild build dense/model.artifact.yaml`\n" in err
    )
    assert "artifacts/dense/h5/v1/metadata.json: no such file or directory [record]\n" in err
    assert run(["verify", "artifacts"]) == 1, "a torn version is one that has no record"
    assert "artifacts/dense/h5/v1/metadata.json: no such file" in capsys.readouterr().err


def test_artifact_in_the_place_of_another_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(root / "dense" / "h5" / "v1")
    shutil.copytree(root / "dense" / "keras" / "v1", root / "dense" / "h5" / "v1")
    Path("dense/model.artifact.lock").unlink()
    assert run(["verify", "dense"]) == 1
    assert (
        "artifacts/dense/h5/v1/metadata.json: is dense@v1/keras, but its folder is the place of "
        "dense@v1/h5 [misplaced]\n" in capsys.readouterr().err
    )


def test_card_is_what_the_record_makes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = root / "dense" / "keras" / "v1"
    metadata = json.loads((folder / "metadata.json").read_text())
    text = card.render(metadata, resources.card_template())
    (folder / "MODEL_CARD.md").write_text(text)
    assert verdicts(capsys, str(folder))[0]["card"] == "same"
    (folder / "MODEL_CARD.md").write_text(text + "Certified by nobody\n")
    (verdict,) = verdicts(capsys, str(folder))
    assert (verdict["card"], verdict["faults"][0]["kind"]) == ("changed", "card")
    metadata["inputs"]["manifest"]["card"] = "0" * 64
    (folder / "metadata.json").write_text(json.dumps(metadata))
    assert verdicts(capsys, str(folder))[0]["card"] == "not checked"


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(path.parent)  # the path of a socket has a short limit
        listening.bind(path.name)
        os.chdir(here)


def _link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _hard_link(path: Path) -> None:
    Path("outside").write_text("outside")
    os.link("outside", path)


@pytest.mark.parametrize(
    ("make", "name", "said"),
    [
        (_pipe, "pipe", "pipe: is a named pipe, expected a regular file [special-file]"),
        (_socket, "socket", "socket: is a socket, expected a regular file [special-file]"),
        (_link, "link", "link: is a symbolic link, expected a regular file [link]"),
        (
            _hard_link,
            "hard",
            "hard: has 2 names (hard links), not all of them in the artifact [link]",
        ),
        (
            Path.touch,
            "Model.keras",
            "model.keras: is the same name as 'Model.keras' where case or normal form do not "
            "count [name-collision]",
        ),
        (
            Path.touch,
            "a\nb",
            "a\\nb: has control or invisible characters in its name [name]",
        ),
        (Path.touch, "a\\b", "a\\b: is no plain path inside the artifact [name]"),
    ],
)
def test_what_is_no_plain_file_is_refused_unopened(
    root: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], None],
    name: str,
    said: str,
) -> None:
    folder = root / "dense" / "keras" / "v1"
    make(folder / name)
    monkeypatch.setattr("artifactbuild.release.verify.opened", lambda *a, **k: pytest.fail("open"))
    monkeypatch.setattr("artifactbuild.release.verify.bounded", lambda *a, **k: pytest.fail("open"))
    assert run(["verify", str(folder)]) == 1
    assert f"artifacts/dense/keras/v1/{said}\n" in capsys.readouterr().err


def test_pipe_in_the_place_of_the_record_does_not_hang_any_verb(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = root / "dense" / "keras" / "v1" / "metadata.json"
    record.unlink()
    os.mkfifo(record)
    assert run(["verify", "artifacts/dense/keras/v1"]) == 1
    assert "metadata.json: is a named pipe" in capsys.readouterr().err


def test_huge_record_is_not_read(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open(root / "dense" / "keras" / "v1" / "metadata.json", "r+b") as file:
        file.truncate(10 << 30)
    assert run(["verify", "artifacts/dense/keras/v1"]) == 1
    assert (
        "metadata.json: has 10737418240 bytes, expected at most 16777216 [record]\n"
        in capsys.readouterr().err
    )


def test_nothing_published_and_nothing_locked(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(root)
    Path("dense/model.artifact.lock").unlink()
    assert run(["verify"]) == 1
    assert "dense v1 is not published, and no lock lists it" in capsys.readouterr().err


def test_level_1_imports_nothing_heavy(root: Path) -> None:
    code = (
        "import sys\n"
        "from artifactbuild.cli import run\n"
        "code = run(['verify'])\n"
        f"found = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print(code, found, file=sys.stderr)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stderr == "0 []\n"


@pytest.mark.parametrize("words", [["plan", "--exit-code"], ["check"], ["show"], ["verify"]])
def test_no_verb_takes_a_copy_for_the_version_of_its_place(
    root: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    for format in sorted(path.name for path in (root / "dense").iterdir()):
        shutil.copytree(root / "dense" / format / "v1", root / "dense" / format / "v2")
    manifest = Path("dense/model.artifact.yaml")
    manifest.write_text(manifest.read_text().replace("version: v1", "version: v2"))
    assert run(words) == 1
    said = capsys.readouterr()
    assert (
        "artifacts/dense/h5/v2/metadata.json: is dense@v1/h5, but its folder is the place of "
        "dense@v2/h5 [misplaced]\n" in said.out + said.err
    )


class TestDeclaredNames:
    """Who declares the custom objects that a payload names: a manifest, or its record alone."""

    @pytest.fixture
    def folder(self, root: Path) -> Path:
        """Name a custom object in the archive, and declare it in the record."""
        layer = {"module": "model", "class_name": "Scaled", "registered_name": "shop>Scaled"}
        format, make = artifacts.layer(lambda at: {**layer, "config": {"name": "dropout"}})
        folder = root / "dense" / format / "v1"
        make(prepared(Path.cwd(), root.parents[1]), folder)
        path = folder / "metadata.json"
        metadata = json.loads(path.read_text())
        item = {"target": "model:Scaled", "kind": "class", "name": "shop>Scaled"}
        metadata["custom_objects"] = [{**item, "registered": True, "forgets": [], "arrays": []}]
        path.write_text(json.dumps(metadata))
        Path("dense/model.artifact.lock").unlink()
        return resealed(folder)

    def inspected(self, folder: Path, work: Job | None, server: Server, log: Path) -> Verdict:
        target = Target(folder=folder, work=work)
        return verification.inspected(target, verification.held(target), (), server, log)

    def test_record_alone_is_not_trusted_silently(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(["verify", "--static", str(folder)]) == 0
        assert capsys.readouterr().out == (
            "  artifacts/dense/keras/v1  whole  dense@v1/keras  4 files  record, no lock  unsigned"
            "    contents read; declared names not verified: shop>Scaled\n"
        )

    def test_programs_are_told(self, folder: Path, server: Server, tmp_path: Path) -> None:
        verdict = self.inspected(folder, None, server, tmp_path / "log")
        assert encode(verdict)["unverified"] == ["shop>Scaled"]
        assert verdict.static

    def test_manifest_does_not_declare_it(
        self, folder: Path, server: Server, tmp_path: Path
    ) -> None:
        work = job(load(Path("dense/model.artifact.yaml")), None)
        verdict = self.inspected(folder, work, server, tmp_path / "log")
        assert [fault.kind for fault in verdict.faults] == ["keras-object"]

    def test_manifest_declares_it(self, folder: Path, server: Server, tmp_path: Path) -> None:
        manifest = Path("dense/model.artifact.yaml")
        manifest.write_text(manifest.read_text() + "custom_objects: [model:Scaled]\n")
        with Path("dense/model.py").open("a") as module:
            module.write("\n\nclass Scaled: ...\n")
        verdict = self.inspected(folder, job(load(manifest), None), server, tmp_path / "log")
        assert (verdict.static, verdict.unverified) == (True, ())
