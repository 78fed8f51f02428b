"""Who made an artifact out of what: an in-toto statement of its provenance, and a signature.

Both lie beside the version's folder, `<version>.intoto.json` and `<version>.sig`, since what is
published never changes. The statement is SLSA provenance of Build level 1: it exists and is
complete, but the builder that wrote it could have written another. The signature is an OpenSSF
Model Signing bundle over the digest of every file, and whoever has the key made it.
https://slsa.dev/spec/v1.0/provenance and https://github.com/sigstore/model-transparency
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from artifactbuild.data import Mismatch, dumps, loads
from artifactbuild.problems import Problem, Refusal
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import digest, durable
from artifactbuild.release.environment import own_version
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Record
from artifactbuild.release.sources import ABSENT, PRESENT

STATEMENT, SIGNATURE = ".intoto.json", ".sig"
BUILDER = "urn:artifactbuild:builder:unnamed"
BUILD_TYPE = "urn:artifactbuild:build:1"
MAX_BYTES = 1 << 24


def statement(made: Record, files: Mapping[str, str], builder: str) -> dict[str, Any]:
    """Return the in-toto statement of an artifact; `files` are its digests, `builder` a URI."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": _sha256(files[name])} for name in sorted(files)],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "factory": made.factory,
                    "format": made.format,
                    "kwargs": made.kwargs,
                    "model": made.model_name,
                    "options": made.options,
                    "seed": made.seed,
                    "version": made.version,
                },
                "internalParameters": {"environment": made.environment},
                "resolvedDependencies": _dependencies(made),
            },
            "runDetails": {
                "builder": {"id": builder, "version": {"artifactbuild": own_version()}},
                "metadata": {"finishedOn": made.created_at},
            },
        },
    }


def write(folder: Path, said: Mapping[str, Any]) -> Path:
    """Write a statement beside an artifact's folder."""
    path = beside(folder, STATEMENT)
    path.write_text(dumps(said), encoding="utf-8")
    durable.sync(path)
    return path


def sign(folder: Path, key: Path) -> Path:
    """Sign the digest of every file with an elliptic-curve key in PEM, beside the folder.

    Raises:
        Refusal: without the extra `sign`, or with a key that is none.
    """
    _hold_extra("attest --key")
    from model_signing import hashing, signing

    path = beside(folder, SIGNATURE)
    plain = hashing.Config().use_file_serialization(hashing_algorithm="sha256")
    try:
        config = signing.Config().use_elliptic_key_signer(private_key=key)
        config.set_hashing_config(plain).sign(folder, path)
    except (OSError, ValueError, TypeError) as error:
        message = f"does not sign: {error}"
        hint = "make one with `openssl ecparam -name prime256v1 -genkey -noout -out key.pem`"
        raise Refusal(Problem(file=str(key), message=message, hint=hint)) from None
    durable.sync(path)
    return path


def is_signed(folder: Path) -> bool:
    """Tell whether a signature lies beside an artifact; it says nothing until it is checked."""
    return beside(folder, SIGNATURE).is_file()


def signature_faults(folder: Path, key: Path) -> tuple[Fault, ...]:
    """Check the signature beside an artifact with a public key; none is a fault as well.

    Raises:
        Refusal: without the extra `sign`.
    """
    _hold_extra("verify --public-key")
    if not is_signed(folder):
        return (Fault(kind="unsigned", file="", message="has no signature beside it"),)
    from model_signing import verifying

    path = beside(folder, SIGNATURE)
    try:
        bounded(path, MAX_BYTES, follow=False)
        verifying.Config().use_elliptic_key_verifier(public_key=key).verify(folder, path)
    except Exception as error:  # noqa: BLE001, the library raises what its parsers raise
        why = str(error)[:200] or type(error).__name__
        message = f"the signature beside it does not hold: {why}"
        return (Fault(kind="signature", file="", message=message),)
    return ()


def statement_faults(folder: Path) -> tuple[Fault, ...]:
    """Hold the statement beside an artifact, if there is one, against its files."""
    path = beside(folder, STATEMENT)
    if not path.exists():
        return ()
    try:
        said = loads(bounded(path, MAX_BYTES, follow=False))
        subjects = {each["name"]: each["digest"]["sha256"] for each in said["subject"]}
    except (Mismatch, Unreadable, KeyError, TypeError) as error:
        message = f"the statement beside it is none: {error}"
        return (Fault(kind="attestation", file="", message=message),)
    if subjects == digest.of_folder(folder):
        return ()
    message = "the statement beside it is of other files"
    return (Fault(kind="attestation", file="", message=message),)


def beside(folder: Path, suffix: str) -> Path:
    """Return the place of a file that belongs to a version and is no part of it."""
    return folder.with_name(folder.name + suffix)


def _dependencies(made: Record) -> list[dict[str, Any]]:
    """Return everything that went into the build: keys of the manifest, and files."""
    keys = [(f"manifest#{key}", value) for key, value in made.inputs.manifest.items()]
    files = [pair for pair in made.inputs.sources.items() if pair[1] not in (ABSENT, PRESENT)]
    named = [*keys, *files]
    return [{"name": name, "digest": _sha256(value)} for name, value in sorted(named)]


def _sha256(value: str) -> dict[str, str]:
    return {"sha256": value}


def _hold_extra(what: str) -> None:
    if find_spec("model_signing") is None:
        hint = "run `pip install 'artifactbuild[sign]'`"
        raise Refusal(Problem(file=what, message="needs the library model-signing", hint=hint))
