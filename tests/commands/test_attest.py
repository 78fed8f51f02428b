"""`attest` and what `verify` makes of it: statements, signatures, keys that fit and do not."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from artifactbuild.cli import run
from artifactbuild.problems import Refusal
from artifactbuild.release import attestation, digest, record, standing
from artifactbuild.release.store import Store
from tests.hints.following import follow
from tests.hostile.ground import resealed
from tests.release import kept

pytest.importorskip("model_signing")
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

SIGNATURES = Path(__file__).parents[1] / "release" / "signatures"
"""What an artifactbuild before identities wrote next to kept artifacts, and its public key."""

FOLDER = "artifacts/dense/tflite/v1"


@pytest.fixture
def root(project: Path) -> Path:
    return kept.lay_out(project)


def keys(name: str, key: Any = None) -> tuple[str, str]:
    """Write a pair of keys; return the paths of the private and the public one."""
    key = key or ec.generate_private_key(ec.SECP256R1())
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


def test_digest_of_a_python_source_says_what_it_is_of(root: Path) -> None:
    """Whoever compares bytes must not take it for that of the file."""
    made = record.read(Path(FOLDER))
    sources = {"model.py": f"python:{'1' * 64}", "a.txt": "2" * 64}
    made = replace(made, inputs=replace(made.inputs, manifest={}, sources=sources))
    said = attestation.statement(made, {}, "builder")
    assert said["predicate"]["buildDefinition"]["resolvedDependencies"] == [
        {"name": "a.txt", "digest": {"sha256": "2" * 64}},
        {"name": "model.py", "digest": {"normalizedPythonSha256": "1" * 64}},
    ]


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
    assert [fault["kind"] for fault in found["faults"]] == ["signature", "signature"]
    assert (found["signature"], found["provenance"]) == ("refused", "refused")


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


SUFFIXES = (".sig", ".intoto.json", ".intoto.jsonl")


def kinds(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    return [fault["kind"] for fault in verdict(capsys, *arguments)["faults"]]


def attested(capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
    assert run(["attest", *arguments]) == 0
    capsys.readouterr()


def copied_with_signatures(source: str, target: str) -> Path:
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target)
    for suffix in SUFFIXES:
        shutil.copyfile(source + suffix, target + suffix)
    return Path(target)


def edited(path: str, before: str, after: str) -> None:
    text = Path(path).read_text()
    assert before in text
    Path(path).write_text(text.replace(before, after))


def envelope(change: dict[str, str]) -> None:
    """Edit the statement in the signed bundle, as an attacker without the key can."""
    path = Path(f"{FOLDER}.intoto.jsonl")
    found = json.loads(path.read_text())
    text = base64.b64decode(found["payload"]).decode()
    for before, after in change.items():
        assert before in text
        text = text.replace(before, after)
    found["payload"] = base64.b64encode(text.encode()).decode()
    path.write_text(json.dumps(found) + "\n")


@pytest.mark.parametrize(
    ("place", "identity"),
    [
        ("artifacts/dense/tflite/v2", "dense@v2/tflite"),
        ("artifacts/fraud/tflite/v9", "fraud@v9/tflite"),
        ("artifacts/dense/onnx/v7", "dense@v7/onnx"),
        ("elsewhere/dense/tflite/v2", "dense@v2/tflite"),
    ],
)
def test_signed_version_in_the_place_of_another_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str], place: str, identity: str
) -> None:
    private, public = keys("ours")
    attested(capsys, FOLDER, "--key", private)
    copied_with_signatures(FOLDER, place)
    for arguments in ([], ["--public-key", public]):
        assert run(["verify", place, *arguments]) == 1
        assert capsys.readouterr().err == (
            f"{place}/metadata.json: is dense@v1/tflite, but its folder is the place of "
            f"{identity} [misplaced]\n"
            "    it was moved or copied here: restore what belongs here, or move it to "
            "dense/tflite/v1 in an artifacts root; a copy for other use goes into a folder "
            "elsewhere that is not named after a format\n"
            "1 problem\n"
        )
    assert run(["attest", place, "--key", private]) == 1, "nor is it signed there"


def test_signed_version_that_was_given_the_metadata_of_its_new_place_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys("ours")
    attested(capsys, FOLDER, "--key", private)
    there = copied_with_signatures(FOLDER, "artifacts/dense/tflite/v2")
    edited(f"{there}/metadata.json", '"version": "v1"', '"version": "v2"')
    resealed(there)
    run(["verify", str(there), "--json", "--public-key", public])
    (found,) = json.loads(capsys.readouterr().out)
    assert [(fault["kind"], fault["message"][:60]) for fault in found["faults"]] == [
        ("attestation", "the statement beside it is of other files"),
        ("signature", "the signature beside it does not hold: Signature mismatch: ["),
    ]


def test_copy_elsewhere_is_verified_by_what_it_is_expected_to_be(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys("ours")
    attested(capsys, FOLDER, "--key", private)
    copied_with_signatures(FOLDER, "srv/models/dense/1")
    for expect in ("dense", "dense@v1", "dense/tflite", "dense@v1/tflite"):
        arguments = ["srv/models/dense/1", "--public-key", public, "--expect", expect]
        assert run(["verify", *arguments]) == 0
        assert capsys.readouterr().out == (
            "  srv/models/dense/1  whole  dense@v1/tflite  4 files  record, no lock  signed  "
            "provenance signed\n"
        )
    assert run(["verify", "srv/models/dense/1", "--expect", "dense@v2"]) == 1
    assert capsys.readouterr().err == (
        "srv/models/dense/1/metadata.json: is dense@v1/tflite, expected dense@v2 [identity]\n"
        "    use the artifact of dense@v2, or expect dense@v1/tflite\n"
        "1 problem\n"
    )
    assert run(["verify", "srv/models/dense/1", "--expect", "dense@1.0"]) == 2


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1])
def test_signed_subject_names_model_version_and_format(
    root: Path, capsys: pytest.CaptureFixture[str], curve: Any
) -> None:
    private, public = keys("ours", ec.generate_private_key(curve()))
    attested(capsys, FOLDER, "--key", private)
    bundle = json.loads(Path(f"{FOLDER}.sig").read_text())
    said = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    assert [subject["name"] for subject in said["subject"]] == ["dense@v1/tflite"]
    bundle = json.loads(Path(f"{FOLDER}.intoto.jsonl").read_text())
    assert base64.b64decode(bundle["payload"]) == Path(f"{FOLDER}.intoto.json").read_bytes()
    found = verdict(capsys, "--public-key", public)
    assert (found["signature"], found["provenance"], found["faults"]) == ("signed", "signed", [])
    own = ["--signature", f"{FOLDER}.sig", "--public_key", public]
    command = [sys.executable, "-m", "model_signing", "verify", "key", FOLDER, *own]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, "their own command line verifies it"


def test_words_say_what_is_signed_and_what_was_checked(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys("ours")

    def words(*arguments: str) -> list[str]:
        assert run(["verify", FOLDER, *arguments]) == 0
        return capsys.readouterr().out.rstrip("\n").split("record, no lock  ")[1].split("  ")

    assert words() == ["unsigned"]
    attested(capsys, FOLDER)
    assert words() == ["unsigned", "provenance unsigned"]
    attested(capsys, FOLDER, "--key", private)
    assert words() == ["signed, not checked", "provenance signed, not checked"]
    assert words("--public-key", public) == ["signed", "provenance signed"]


def test_edited_builder_or_input_is_noticed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private, public = keys("ours")
    attested(capsys, FOLDER, "--key", private, "--builder", "https://example.com/ci")
    builder = {"https://example.com/ci": "https://example.com/evil"}
    statement = Path(f"{FOLDER}.intoto.json").read_text()
    bundle = Path(f"{FOLDER}.intoto.jsonl").read_text()

    edited(f"{FOLDER}.intoto.json", *next(iter(builder.items())))
    found = verdict(capsys)
    assert [fault["message"] for fault in found["faults"]] == [
        "v1.intoto.json is not the statement that v1.intoto.jsonl signs"
    ]
    envelope(builder)  # both edited alike: only the key tells
    assert verdict(capsys)["provenance"] == "signed, not checked"
    found = verdict(capsys, "--public-key", public)
    assert [fault["message"] for fault in found["faults"]] == [
        "the signature beside it does not hold: v1.intoto.jsonl: it is not signed by this key"
    ]
    assert (found["signature"], found["provenance"]) == ("signed", "refused")

    Path(f"{FOLDER}.intoto.json").write_text(statement)
    Path(f"{FOLDER}.intoto.jsonl").unlink()  # as if it had never been signed
    for arguments in ([], ["--public-key", public]):
        found = verdict(capsys, *arguments)
        assert [fault["message"] for fault in found["faults"]] == [
            "was signed as dense@v1/tflite, and v1.intoto.jsonl, its signed statement, is missing"
        ]

    Path(f"{FOLDER}.intoto.jsonl").write_text("not an envelope\n" + bundle)
    Path(f"{FOLDER}.intoto.json").unlink()  # the bundle alone says it all
    assert kinds(capsys, "--public-key", public) == []


def test_unsigned_statement_must_say_what_the_record_says(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    attested(capsys, FOLDER)
    edited(f"{FOLDER}.intoto.json", '"name": "model.py"', '"name": "other.py"')
    found = verdict(capsys)
    assert [fault["message"] for fault in found["faults"]] == [
        "the statement beside it says a different resolvedDependencies than the record"
    ]
    assert found["provenance"] == "refused"


def test_statement_and_signature_of_another_artifact_are_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys("ours")
    attested(capsys, FOLDER, "artifacts/dense/onnx/v1", "--key", private)
    for suffix in SUFFIXES:
        shutil.copyfile(f"artifacts/dense/onnx/v1{suffix}", FOLDER + suffix)
    assert kinds(capsys, "--public-key", public) == ["attestation", "signature"]
    assert kinds(capsys) == ["attestation", "signature"]


def test_signing_again_with_a_different_key_replaces_all_of_it(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, first_public = keys("first")
    second, second_public = keys("second")
    attested(capsys, FOLDER, "--key", first)
    before = {suffix: Path(FOLDER + suffix).read_bytes() for suffix in SUFFIXES}
    attested(capsys, FOLDER, "--key", second, "--builder", "https://example.com/ci")
    assert kinds(capsys, "--public-key", second_public) == []
    assert kinds(capsys, "--public-key", first_public) == ["signature", "signature"]
    for suffix in SUFFIXES:  # whichever of the three an attacker, or a crash, brings back
        after = Path(FOLDER + suffix).read_bytes()
        Path(FOLDER + suffix).write_bytes(before[suffix])
        assert kinds(capsys, "--public-key", second_public) != []
        Path(FOLDER + suffix).write_bytes(after)
    (Path(FOLDER) / "model.tflite").write_bytes(b"another")
    assert run(["attest", FOLDER, "--key", second]) == 1, "what is damaged is not signed"
    capsys.readouterr()
    resealed(Path(FOLDER))
    attested(capsys, FOLDER, "--key", second)
    assert kinds(capsys, "--public-key", second_public) == []
    assert sorted(path.name for path in Path(FOLDER).parent.iterdir()) == [
        "v1",
        *(f"v1{suffix}" for suffix in sorted(SUFFIXES)),
    ]


def test_signed_statement_does_not_become_unsigned(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys("ours")
    attested(capsys, FOLDER, "--key", private)
    attested(capsys, FOLDER)  # the same statement
    assert run(["attest", FOLDER, "--builder", "https://example.com/ci"]) == 1
    assert capsys.readouterr().err == (
        f"{FOLDER}.intoto.jsonl: signs a different statement than the one to be written\n"
        "    sign again with --key, or remove it and v1.sig first\n"
        "1 problem\n"
    )
    assert kinds(capsys, "--public-key", public) == []


@pytest.mark.parametrize("format", ["tflite", "savedmodel"])
def test_what_was_signed_before_identities_stays_valid(
    project: Path, capsys: pytest.CaptureFixture[str], format: str
) -> None:
    kept.lay_out_as_kept(project, "v1")
    folder = f"artifacts/dense/{format}/v1"
    for suffix in (".sig", ".intoto.json"):
        shutil.copyfile(SIGNATURES / f"{format}{suffix}", folder + suffix)
    public = str(SIGNATURES / "key.pub")
    for arguments, word in (([], "signed, not checked"), (["--public-key", public], "signed")):
        run(["verify", folder, "dense", "--json", *arguments])
        (found,) = json.loads(capsys.readouterr().out)
        assert found["faults"] == []
        assert (found["signature"], found["provenance"]) == (word, "unsigned")


def test_link_in_the_place_of_a_signature_is_replaced_and_not_followed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys("ours")
    Path("victim").write_text("mine")
    for suffix in SUFFIXES:
        Path(FOLDER + suffix).symlink_to(Path("victim").absolute())
    assert run(["attest", FOLDER]) == 1, "a signed statement may lie behind the link"
    capsys.readouterr()
    attested(capsys, FOLDER, "--key", private)
    assert Path("victim").read_text() == "mine"
    assert kinds(capsys, "--public-key", public) == []


def test_folder_in_the_place_of_a_signature_is_named(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, _ = keys("ours")
    Path(f"{FOLDER}.sig").mkdir()
    assert run(["attest", FOLDER, "--key", private]) == 1
    assert capsys.readouterr().err == (
        f"{FOLDER}.sig: is in the way: it is a folder, where a file of the artifact next to it "
        "belongs\n"
        "    move it elsewhere; a version of this name can only be read and verified\n"
        "1 problem\n"
    )
    assert not Path(f"{FOLDER}.intoto.json").exists(), "nothing is written"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_version_that_was_released_under_the_name_of_such_a_file_stays_readable(
    root: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    for version in ("1.0.0-a", f"1.0.0-a{suffix}"):
        there = Path(f"artifacts/dense/tflite/{version}")
        shutil.copytree(FOLDER, there)
        edited(f"{there}/metadata.json", '"version": "v1"', f'"version": "{version}"')
        resealed(there)
        assert run(["verify", str(there), "--expect", f"dense@{version}/tflite"]) == 0
    capsys.readouterr()
    assert run(["verify", "artifacts/dense/tflite", "--json"]) == 0
    found = [each["identity"] for each in json.loads(capsys.readouterr().out)]
    assert found == ["dense@1.0.0-a/tflite", f"dense@1.0.0-a{suffix}/tflite", "dense@v1/tflite"]


@pytest.mark.parametrize(
    ("make", "private_word", "public_word"),
    [
        (
            lambda: rsa.generate_private_key(65537, 2048),
            "it is not an elliptic-curve key",
            "it is of the type rsa",
        ),
        (
            ed25519.Ed25519PrivateKey.generate,
            "it is not an elliptic-curve key",
            "it is of the type ed25519",
        ),
        (
            lambda: ec.generate_private_key(ec.SECP256K1()),
            "unsupported curve 'secp256k1'",
            "unsupported curve 'secp256k1'",
        ),
    ],
)
def test_key_of_another_type_is_refused_before_anything_is_written(
    root: Path,
    capsys: pytest.CaptureFixture[str],
    make: Any,
    private_word: str,
    public_word: str,
) -> None:
    private, public = keys("other", make())
    assert run(["attest", FOLDER, "--key", private]) == 1
    assert capsys.readouterr().err.startswith(f"{private}: does not sign: {private_word}\n")
    assert not Path(f"{FOLDER}.intoto.json").exists()
    assert run(["verify", FOLDER, "--public-key", public]) == 1
    assert capsys.readouterr().err.startswith(
        f"{public}: is not an elliptic-curve public key: {public_word}\n"
    )


def test_what_changed_after_it_was_checked_is_not_signed(root: Path) -> None:
    private, _ = keys("ours")
    folder = Path(FOLDER)
    made, checked = record.read(folder), digest.of_folder(folder)
    (folder / "model.tflite").write_bytes(b"another")
    with pytest.raises(Refusal) as refused:
        attestation.write(folder, made, checked, "urn:ci", Path(private))
    assert str(refused.value) == (
        f"{FOLDER}: changed while it was signed\n"
        "    run the same command again when nobody writes into it"
    )
    assert not Path(f"{FOLDER}.sig").exists()
    follow(str(refused.value), "run the same command again when nobody writes into it")
    resealed(folder)
    assert run(["attest", FOLDER, "--key", private]) == 0


def test_signature_is_of_what_was_checked_and_not_of_what_is_there_by_then(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys("ours")
    attested(capsys, FOLDER, "--key", private)
    made, signed = record.read(Path(FOLDER)), digest.of_folder(Path(FOLDER))
    checked = {**signed, "model.tflite": "0" * 64}
    found = standing.of(Path(FOLDER), made, checked, Path(public))
    assert [fault.message for fault in found.faults] == [
        "the statement beside it is of other files",
        "the signature beside it does not hold: it signs a different model.tflite",
    ]


def test_signature_that_leaves_out_the_metadata_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys("ours")
    own = ["--signature", f"{FOLDER}.sig", "--private_key", private, "--ignore-paths"]
    command = [sys.executable, "-m", "model_signing", "sign", "key", FOLDER, *own]
    subprocess.run([*command, f"{FOLDER}/metadata.json"], check=True, capture_output=True)
    found = verdict(capsys, "--public-key", public)
    assert [fault["message"] for fault in found["faults"]] == [
        "the signature beside it does not hold: it does not sign metadata.json"
    ]


def test_envelope_of_another_tool_needs_no_name_of_the_key(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = keys("ours")
    attested(capsys, FOLDER, "--key", private)
    found = json.loads(Path(f"{FOLDER}.intoto.jsonl").read_text())
    del found["signatures"][0]["keyid"]
    theirs = {"sig": base64.b64encode(b"of somebody else").decode()}
    found["signatures"] = [theirs, *found["signatures"]]
    Path(f"{FOLDER}.intoto.jsonl").write_text(json.dumps(found) + "\n")
    assert verdict(capsys, "--public-key", public)["provenance"] == "signed"


def test_version_is_attested_from_inside_its_folder(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER)
    assert run(["attest", "."]) == 0
    assert Path("../v1.intoto.json").is_file()
    capsys.readouterr()
    assert run(["verify", "."]) == 0
    assert "provenance unsigned" in capsys.readouterr().out
