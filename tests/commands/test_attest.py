"""`attest` and what `verify` makes of it: statements, signatures, keys that fit and do not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from artifactbuild.cli import run
from artifactbuild.release import digest
from artifactbuild.release.store import Store
from tests.hostile.ground import resealed
from tests.release import kept

pytest.importorskip("model_signing")
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

FOLDER = "artifacts/dense/tflite/v1"


@pytest.fixture
def root(project: Path) -> Path:
    return kept.lay_out(project)


def keys(name: str) -> tuple[str, str]:
    """Make a pair of keys; return the paths of the private and the public one."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    Path(f"{name}.pem").write_bytes(private)
    Path(f"{name}.pub").write_bytes(public)
    return f"{name}.pem", f"{name}.pub"


def verdict(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    run(["verify", FOLDER, "--json", *arguments])
    (found,) = json.loads(capsys.readouterr().out)
    return dict(found)


def test_statement_is_slsa_provenance_beside_the_version(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = digest.of_folder(Path(FOLDER))
    assert run(["attest", FOLDER, "--builder", "https://example.com/ci"]) == 0
    assert capsys.readouterr().out == f"  {FOLDER}  {FOLDER}.intoto.json\n"
    assert digest.of_folder(Path(FOLDER)) == before
    said = json.loads(Path(f"{FOLDER}.intoto.json").read_text())
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["predicateType"] == "https://slsa.dev/provenance/v1"
    assert {s["name"]: s["digest"]["sha256"] for s in said["subject"]} == before
    definition, details = (said["predicate"][key] for key in ("buildDefinition", "runDetails"))
    assert definition["externalParameters"]["factory"] == "model:make_model"
    assert definition["internalParameters"]["environment"]["tensorflow"]
    names = [each["name"] for each in definition["resolvedDependencies"]]
    assert {"model.py", "manifest#seed", "manifest#factory"} <= set(names)
    assert names == sorted(names)
    assert details["builder"]["id"] == "https://example.com/ci"
    assert details["metadata"]["finishedOn"] == "1970-01-01T00:00:00Z"


def test_store_does_not_take_them_for_versions(root: Path) -> None:
    before = list(Store(root=root).versions())
    assert run(["attest", "artifacts"]) == 0
    assert list(Store(root=root).versions()) == before
    assert run(["verify", "artifacts"]) == 0


def test_signature_holds_by_its_own_key_alone(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys("ours")
    _, other = keys("other")
    assert verdict(capsys)["signature"] == "unsigned"
    assert run(["attest", FOLDER, "--key", private]) == 0
    capsys.readouterr()
    assert verdict(capsys)["signature"] == "signed, not checked"
    assert verdict(capsys, "--public-key", public)["signature"] == "signed"
    found = verdict(capsys, "--public-key", other)
    assert [fault["kind"] for fault in found["faults"]] == ["signature"]


def test_forged_artifact_is_caught_by_statement_and_signature(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys("ours")
    assert run(["attest", FOLDER, "--key", private]) == 0
    capsys.readouterr()
    (Path(FOLDER) / "model.tflite").write_bytes(b"another")
    resealed(Path(FOLDER))
    found = verdict(capsys, "--public-key", public)
    assert [fault["kind"] for fault in found["faults"]] == ["attestation", "signature"]


def test_unsigned_artifact_is_refused_where_a_key_is_given(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, public = keys("ours")
    assert run(["verify", FOLDER, "--public-key", public]) == 1
    assert capsys.readouterr().err == (
        f"{FOLDER}: has no signature beside it [unsigned]\n1 problem\n"
    )


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"subject": [1]}', "x" * 100])
def test_what_is_no_statement_or_signature_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    _, public = keys("ours")
    Path(f"{FOLDER}.intoto.json").write_text(content)
    Path(f"{FOLDER}.sig").write_text(content)
    found = verdict(capsys, "--public-key", public)
    assert [fault["kind"] for fault in found["faults"]] == ["attestation", "signature"]


def test_damaged_artifact_is_not_attested(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (Path(FOLDER) / "reference.npz").unlink()
    assert run(["attest", FOLDER]) == 1
    assert "reference.npz: is missing" in capsys.readouterr().err
    assert not Path(f"{FOLDER}.intoto.json").exists()


def test_key_that_is_none_is_said_to_be(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("key.pem").write_text("no key")
    assert run(["attest", FOLDER, "--key", "key.pem"]) == 1
    assert capsys.readouterr().err.startswith("key.pem: does not sign: ")
    shutil.rmtree(root)
