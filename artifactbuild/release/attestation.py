"""Who made an artifact out of what: an in-toto statement of its provenance, and signatures.

All of it lies next to the version's folder, since what is published never changes:

- `<version>.intoto.json` is the statement, for people and for programs that read JSON. It is SLSA
  provenance of Build level 1: it exists and is complete, and whoever has the key vouches for it.
- `<version>.intoto.jsonl` is the same statement, byte by byte, signed: a bundle of in-toto, one
  DSSE envelope on a line.
- `<version>.sig` is an OpenSSF Model Signing bundle over the digest of every file. Its subject is
  the artifact's identity, `digits@v1/keras`.

https://slsa.dev/spec/v1.0/provenance
https://github.com/in-toto/attestation/blob/main/spec/v1/bundle.md
https://github.com/sigstore/model-transparency
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifactbuild.data import dumps, encode
from artifactbuild.problems import Problem, Refusal
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import durable, identity, signing
from artifactbuild.release.environment import own_version
from artifactbuild.release.measured import Measured
from artifactbuild.release.record import Record
from artifactbuild.release.sources import ABSENT, PRESENT, PYTHON

STATEMENT, ENVELOPE, SIGNATURE = ".intoto.json", ".intoto.jsonl", ".sig"
BUILDER = "urn:artifactbuild:builder:unnamed"
BUILD_TYPE = "urn:artifactbuild:build:1"
MAX_BYTES = 1 << 24

NORMALIZED = "normalizedPythonSha256"
"""The name of a digest of a Python source's normalized text (`release.python_source`)."""


def statement(
    made: Record, files: Mapping[str, str], builder: str, found: Measured | None = None
) -> dict[str, Any]:
    """Return the in-toto statement of an artifact; `files` are its digests, `builder` a URI.

    `found` is what the builder measured itself, where the artifact states what its release did.
    """
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
                **({"byproducts": [_byproduct(found)]} if found is not None else {}),
            },
        },
    }


def _byproduct(found: Measured) -> dict[str, Any]:
    """Return the descriptor of what was measured here: a rebuild adopts the released figures."""
    said = {key: encode(getattr(found, key)) for key in ("checks", "environment", "measures")}
    return {"name": "measured", "annotations": said}


def write(
    folder: Path,
    made: Record,
    files: Mapping[str, str],
    builder: str,
    key: Path | None,
    found: Measured | None = None,
) -> tuple[Path, ...]:
    """Write what is said of an artifact next to its folder, with a key signed; return the files.

    `files` are the digests of what was checked, `found` is what was measured here.

    Raises:
        Refusal: when the key does not sign, when what is there is signed and would become unsigned,
            or when the folder cannot be written.
    """
    said = dumps(statement(made, files, builder, found)).encode()
    content = {STATEMENT: said}
    if key is not None:
        signer = signing.private(key)
        content[ENVELOPE] = signing.enveloped(said, signer)
        content[SIGNATURE] = signing.bundled(folder, identity.of(made), files, key)
    else:
        _hold_unsigned(folder, said)
    for suffix in content:
        _hold_free(beside(folder, suffix))
    return tuple(_placed(beside(folder, suffix), raw) for suffix, raw in content.items())


def beside(folder: Path, suffix: str) -> Path:
    """Return the place of a file that belongs to a version and is no part of it."""
    named = folder if folder.name not in ("", "..") else folder.resolve()
    return named.with_name(named.name + suffix)


def read(path: Path) -> bytes | None:
    """Return what a file beside says; None where there is none, or an old version has its name.

    Raises:
        Unreadable: when it is something else.
    """
    if is_folder(path) or not os.path.lexists(path):
        return None
    return bounded(path, MAX_BYTES, follow=False)


def is_folder(path: Path) -> bool:
    """Tell whether a folder has the name of a file that belongs to a version."""
    return path.is_dir() and not path.is_symlink()


def _hold_unsigned(folder: Path, said: bytes) -> None:
    """Refuse to put an unsigned statement in the place of one that is signed."""
    path = beside(folder, ENVELOPE)
    try:
        raw = read(path)
        same = raw is None or signing.payload(raw, None) == said
    except (Unreadable, signing.Unverified):
        same = False
    if not same:
        message = "signs a different statement than the one to be written"
        hint = f"sign again with --key, or remove it and {beside(folder, SIGNATURE).name} first"
        raise Refusal(Problem(file=str(path), message=message, hint=hint))


def _hold_free(path: Path) -> None:
    """Refuse a folder where a file belongs, before anything is written."""
    if is_folder(path):
        message = "is in the way: it is a folder, where a file of the artifact next to it belongs"
        hint = "move it elsewhere; a version of this name can only be read and verified"
        raise Refusal(Problem(file=str(path), message=message, hint=hint))


def _placed(path: Path, content: bytes) -> Path:
    """Put a file in its place, complete or not at all; what is there is replaced."""
    try:
        durable.place(path, content)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        message = f"cannot be written: {reason}"
        hint = "look at what is there, make room for it, and run the same command again"
        raise Refusal(Problem(file=str(path), message=message, hint=hint)) from error
    return path


def _dependencies(made: Record) -> list[dict[str, Any]]:
    """Return everything that went into the build: keys of the manifest, and files."""
    keys = [(f"manifest#{key}", value) for key, value in made.inputs.manifest.items()]
    files = [pair for pair in made.inputs.sources.items() if pair[1] not in (ABSENT, PRESENT)]
    named = [*keys, *files]
    return [{"name": name, "digest": _digest(value)} for name, value in sorted(named)]


def _digest(value: str) -> dict[str, str]:
    """Return a digest under the name of how it is made: that of a Python source is not of bytes."""
    if value.startswith(PYTHON):
        return {NORMALIZED: value.removeprefix(PYTHON)}
    return _sha256(value)


def _sha256(value: str) -> dict[str, str]:
    return {"sha256": value}
