"""What vouches for an artifact: the statement and the signatures next to it, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild.data import Mismatch, dumps, encode, loads
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import attestation, identity, signing
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Record

NONE, UNSIGNED, UNCHECKED, SIGNED, REFUSED = (
    "none",
    "unsigned",
    "signed, not checked",
    "signed",
    "refused",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was found next to an artifact: the words for its two signatures, and the faults."""

    signature: str
    provenance: str
    faults: tuple[Fault, ...]


def of(folder: Path, made: Record, files: Mapping[str, str], key: Path | None) -> Standing:
    """Check what lies next to an artifact whose files have these digests, by a key if one is given.

    With a key, an artifact without a signature is refused.
    """
    signature, by_signature = _signature(folder, made, files, key)
    provenance, by_provenance = _provenance(folder, made, files, key)
    return Standing(
        signature=REFUSED if by_signature else signature,
        provenance=REFUSED if by_provenance else provenance,
        faults=(*by_provenance, *by_signature),
    )


def _signature(
    folder: Path, made: Record, files: Mapping[str, str], key: Path | None
) -> tuple[str, tuple[Fault, ...]]:
    path = attestation.beside(folder, attestation.SIGNATURE)
    if not path.is_file():
        missing = Fault(kind="unsigned", file="", message="has no signature beside it")
        return UNSIGNED, (missing,) if key is not None else ()
    try:
        raw = bounded(path, attestation.MAX_BYTES, follow=False)
    except Unreadable as unreadable:
        return REFUSED, (signing.refused(str(unreadable)),)
    faults = tuple(signing.bundle_faults(raw, folder, identity.of(made), files, key))
    return (UNCHECKED if key is None else SIGNED), faults


def _provenance(
    folder: Path, made: Record, files: Mapping[str, str], key: Path | None
) -> tuple[str, tuple[Fault, ...]]:
    try:
        said = attestation.read(attestation.beside(folder, attestation.STATEMENT))
        bundle = attestation.read(attestation.beside(folder, attestation.ENVELOPE))
    except Unreadable as unreadable:
        return REFUSED, (_fault(f"the statement beside it cannot be read: {unreadable}"),)
    if bundle is not None:
        return _signed_provenance(folder, made, files, key, said, bundle)
    if names := _binding(folder):
        missing = attestation.beside(folder, attestation.ENVELOPE).name
        message = f"{missing}, its signed statement, is missing"
        hint = f"restore it, or sign again: `artifactbuild attest --key KEY {folder}`"
        return REFUSED, (_fault(f"was signed as {names}, and {message}", hint),)
    if said is None:
        return NONE, ()
    return UNSIGNED, tuple(_statement_faults(said, made, files))


def _signed_provenance(
    folder: Path,
    made: Record,
    files: Mapping[str, str],
    key: Path | None,
    said: bytes | None,
    bundle: bytes,
) -> tuple[str, tuple[Fault, ...]]:
    """Check the signed statement, and that the readable one is the same."""
    name = attestation.beside(folder, attestation.ENVELOPE).name
    try:
        payload = signing.payload(bundle, key)
    except signing.Unverified as unverified:
        return REFUSED, (signing.refused(f"{name}: {unverified}"),)
    if said is not None and said != payload:
        hint = f"sign again, if you trust it: `artifactbuild attest --key KEY {folder}`"
        readable = attestation.beside(folder, attestation.STATEMENT).name
        message = f"{readable} is not the statement that {name} signs"
        return REFUSED, (_fault(message, hint),)
    return (UNCHECKED if key is None else SIGNED), tuple(_statement_faults(payload, made, files))


def _binding(folder: Path) -> str:
    """Return the identity that the signature names; empty for one made before it named any.

    Whoever signs an identity signs the statement as well, so that removing it is noticed.
    """
    try:
        raw = attestation.read(attestation.beside(folder, attestation.SIGNATURE))
    except Unreadable:
        return ""
    return signing.identity_in(raw) if raw is not None else ""


def _statement_faults(raw: bytes, made: Record, files: Mapping[str, str]) -> Iterator[Fault]:
    """Compare a statement with the files and the record that it is about."""
    try:
        said = loads(raw)
        subjects = [(each["name"], each["digest"]["sha256"]) for each in said["subject"]]
        right = dict(subjects) == dict(files) and len(subjects) == len(files)
        different = _differs(said, made, files) if right else ""
    except (Mismatch, KeyError, TypeError, AttributeError) as error:
        yield _fault(f"the statement beside it is none: {error}")
        return
    if not right:
        yield _fault("the statement beside it is of other files")
    if different:
        yield _fault(f"the statement beside it says a different {different} than the record")


def _differs(said: Any, made: Record, files: Mapping[str, str]) -> str:
    """Name what a statement of ours says differently from the record; who built is its own."""
    definition = said["predicate"]["buildDefinition"]
    if definition["buildType"] != attestation.BUILD_TYPE:
        return ""
    own = loads(dumps(encode(attestation.statement(made, files, attestation.BUILDER))).encode())[
        "predicate"
    ]
    for key, value in own["buildDefinition"].items():
        if definition[key] != value:
            return str(key)
    finished = own["runDetails"]["metadata"]["finishedOn"]
    return "" if said["predicate"]["runDetails"]["metadata"]["finishedOn"] == finished else "date"


def _fault(message: str, hint: str = "") -> Fault:
    return Fault(kind="attestation", file="", message=message, hint=hint)
