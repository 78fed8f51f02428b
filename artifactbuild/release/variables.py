"""Variables of the environment that a project's code reads: inputs by name and digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

UNSET, SECRET = "unset", "secret"
"""What is kept of a variable that is not set, and of one whose value nobody should guess at."""

_SECRET = ("TOKEN", "SECRET", "KEY", "PASSWORD", "PASSWD", "CREDENTIAL")


def kept(name: str, value: str | None) -> str:
    """Return what is kept of a variable: the digest of its value, for a secret none."""
    if value is None:
        return UNSET
    if any(word in name.upper() for word in _SECRET):
        return SECRET
    return hashlib.sha256(value.encode(errors="surrogateescape")).hexdigest()


def now(names: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return what would be kept of each variable now."""
    return {name: kept(name, environ.get(name)) for name in names}
