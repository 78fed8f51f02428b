"""Signatures by a key: over the files of an artifact, and over its statement of provenance.

Both are DSSE envelopes, made and checked by the libraries of the extra `sign`.
https://github.com/secure-systems-lab/dsse
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from artifactbuild.data import Mismatch, loads
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import record
from artifactbuild.release.fault import Fault
from artifactbuild.release.identity import Identity

if TYPE_CHECKING:
    from model_signing import hashing

PAYLOAD_TYPE = "application/vnd.in-toto+json"

_IDENTITY = re.compile(r"[^@/]+@[^@/]+/[^@/]+")

MAKE = "make one with `openssl ecparam -name prime256v1 -genkey -noout -out key.pem`"
EXPORT = "export one with `openssl ec -in key.pem -pubout -out key.pub`"


class Unverified(Exception):
    """A signed statement that does not hold; says why."""


def hold_key(key: Path) -> None:
    """Refuse a public key that no signature can be checked with.

    Raises:
        Refusal: also without the extra `sign`.
    """
    _hold_extra("verify --public-key")
    try:
        kind = _public(key).keytype
        why = "" if kind == "ecdsa" else f"it is of the type {kind}"
        if not why:
            _verifying(key)
    except Exception as error:  # noqa: BLE001, the library raises what its parsers raise
        why = _first(error)
    if why:
        message = f"is not an elliptic-curve public key: {why}"
        raise Refusal(Problem(file=str(key), message=message, hint=EXPORT))


def private(key: Path) -> Any:
    """Read an elliptic-curve key in PEM; return what signs with it.

    Raises:
        Refusal: without the extra `sign`, or with a key that is none.
    """
    _hold_extra("attest --key")
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    try:
        found = load_pem_private_key(key.read_bytes(), None)
        signer = CryptoSigner(found) if isinstance(found, EllipticCurvePrivateKey) else None
    except Exception as error:  # noqa: BLE001, the library raises what its parsers raise
        raise _useless(key, error) from None
    if signer is None:
        raise _useless(key, TypeError("it is not an elliptic-curve key"))
    return signer


def enveloped(payload: bytes, signer: Any) -> bytes:
    """Return a bundle of in-toto: one line, the envelope of a statement."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return (json.dumps(envelope.to_dict(), sort_keys=True) + "\n").encode()


def bundled(folder: Path, own: Identity, files: Mapping[str, str], key: Path) -> bytes:
    """Return the Model Signing bundle of an artifact whose files have these digests.

    Raises:
        Refusal: when the key does not sign, or the files changed meanwhile.
    """
    from model_signing import signing

    try:
        config = signing.Config().use_elliptic_key_signer(private_key=key)
        with tempfile.TemporaryDirectory(prefix="artifactbuild-") as scratch:
            path = Path(scratch, "bundle")
            config.set_hashing_config(_hashing(own, files)).sign(folder, path)
            return path.read_bytes()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise _useless(key, error) from None


def _hashing(own: Identity, files: Mapping[str, str]) -> hashing.Config:
    """Return what hashes a folder as Model Signing does, under a name of ours.

    By itself it names the subject after the folder, which is the version alone.
    """
    from model_signing import hashing, manifest

    class Named(hashing.Config):
        def hash(self, model_path: Any, *, files_to_hash: Any = None) -> manifest.Manifest:
            found = super().hash(model_path, files_to_hash=files_to_hash)
            digests = {each.identifier: each.digest for each in found.resource_descriptors()}
            if {name: digest.digest_hex for name, digest in digests.items()} != dict(files):
                message = "changed while it was signed"
                hint = "run the same command again when nobody writes into it"
                raise Refusal(Problem(file=str(model_path), message=message, hint=hint))
            return manifest.Manifest(
                str(own),
                [
                    manifest.FileManifestItem(path=PurePosixPath(name), digest=digest)
                    for name, digest in digests.items()
                ],
                manifest.SerializationType.from_args(found.serialization_type),
            )

    named: Any = Named  # its base has no types
    return cast("hashing.Config", named().use_file_serialization(hashing_algorithm="sha256"))


def bundle_faults(
    raw: bytes, folder: Path, own: Identity, files: Mapping[str, str], key: Path | None
) -> Iterator[Fault]:
    """Check a Model Signing bundle; without a key, only which artifact it names."""
    if key is not None and (why := _unverified(raw, folder, key)):
        yield refused(why)
        return
    named = identity_in(raw)
    if named and named != str(own):
        yield refused(f"it is of {named}, the artifact is {own}")
    if key is not None and (why := _uncovered(raw, files)):
        yield refused(why)


def identity_in(raw: bytes) -> str:
    """Return the identity that a Model Signing bundle names; empty where it names anything else."""
    try:
        name = _signed_statement(raw)["subject"][0]["name"]
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
    return name if isinstance(name, str) and _IDENTITY.fullmatch(name) else ""


def payload(raw: bytes, key: Path | None) -> bytes:
    """Return the statement in a bundle of in-toto: the first that the key signed, if one is given.

    Lines that are no envelopes are passed over, as the format says.

    Raises:
        Unverified: when there is none.
    """
    why = "it has no envelope of a statement"
    for line in raw.splitlines():
        try:
            found: dict[str, Any] = loads(line)
            if found["payloadType"] != PAYLOAD_TYPE:
                continue
            inside = base64.b64decode(found["payload"], validate=True)
            if key is None:
                return inside
        except (Mismatch, ValueError, KeyError, TypeError):
            continue
        if not (why := _unsigned(found, key)):
            return inside
    raise Unverified(why)


def refused(why: str) -> Fault:
    """Return the fault of a signature that does not hold."""
    message = f"the signature beside it does not hold: {why}"
    return Fault(kind="signature", file="", message=message)


def _unsigned(found: dict[str, Any], key: Path) -> str:
    """Say why an envelope is not signed by a key; empty if it is.

    The name of a key in an envelope is a hint of its signer, and decides nothing.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    try:
        public = _public(key)
        for each in found["signatures"]:
            ours = {**found, "signatures": [{**each, "keyid": public.keyid}]}
            envelope = Envelope.from_dict(ours)
            with suppress(VerificationError):
                envelope.verify([public], 1)
                return ""
    except Exception as error:  # noqa: BLE001, the library raises what its parsers raise
        return _first(error)
    return "it is not signed by this key"


def _unverified(raw: bytes, folder: Path, key: Path) -> str:
    """Say why a Model Signing bundle does not hold; empty if it does.

    The library reads a file: it gets these bytes, not what lies beside the artifact by then.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="artifactbuild-") as scratch:
            path = Path(scratch, "bundle")
            path.write_bytes(raw)
            _verifying(key).verify(folder, path)
    except Exception as error:  # noqa: BLE001, the library raises what its parsers raise
        return _first(error)
    return ""


def _uncovered(raw: bytes, files: Mapping[str, str]) -> str:
    """Say what of an artifact a bundle that holds does not sign; empty if it signs its record.

    The library hashed the files once more; what it signs must be what was checked.
    """
    said = _signed_statement(raw)
    listed = said["predicate"].get("resources") if "predicate" in said else None
    names = [each["name"] for each in (listed if listed is not None else said["subject"])]
    if not any(name.partition(":")[0] == record.FILE for name in names):
        return f"it does not sign {record.FILE}"
    for each in listed or ():
        known = files.get(each["name"], each["digest"])
        if each["algorithm"] == "sha256" and known != each["digest"]:
            return f"it signs a different {each['name']}"
    return ""


def _signed_statement(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw)
    said: dict[str, Any] = json.loads(base64.b64decode(found["dsseEnvelope"]["payload"]))
    return said


def _verifying(key: Path) -> Any:
    from model_signing import verifying

    return verifying.Config().use_elliptic_key_verifier(public_key=key)


def _public(key: Path) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    return SSlibKey.from_crypto(load_pem_public_key(key.read_bytes()))


def _useless(key: Path, error: Exception) -> Refusal:
    return Refusal(Problem(file=str(key), message=f"does not sign: {_first(error)}", hint=MAKE))


def _first(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__


def _hold_extra(what: str) -> None:
    if any(find_spec(name) is None for name in ("model_signing", "securesystemslib")):
        hint = "run `pip install 'artifactbuild[sign]'`"
        raise Refusal(Problem(file=what, message="needs the library model-signing", hint=hint))
