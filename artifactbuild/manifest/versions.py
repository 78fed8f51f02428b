"""What versions are, which comes next, and how they are sorted.

A version is a whole number from 1 (`1`, as TensorFlow Serving and Triton name the folders that they
serve), a number with a `v` (`v1`), or a semantic version (`1.0.0`, `1.0.0-rc.1`). 0 is none: Triton
ignores folders whose name begins with a zero.
"""

from __future__ import annotations

import re
from typing import Any

from artifactbuild import resources

INTEGER, NUMBERED, SEMANTIC = "N", "vN", "semantic"
"""The schemes of versions."""

EXAMPLE = "for example version: v1"

_INTEGER = re.compile(r"([1-9][0-9]*)")
_NUMBERED = re.compile(r"v(\d+)")
_SEMANTIC = re.compile(r"(\d+)\.(\d+)\.(\d+)(-.+)?")
_LOOSE = re.compile(
    r"(?P<v>[vV]?)(?P<major>[0-9]+)(\.(?P<minor>[0-9]+))?(\.(?P<patch>[0-9]+))?"
    r"(-?(?P<early>(?<=-)[0-9A-Za-z][0-9A-Za-z.-]*|(rc|alpha|beta|dev|pre)[0-9A-Za-z.-]*))?(\+.*)?"
)
_GROUPED = re.compile(r"[0-9]+(_[0-9]+)+")


def is_version(text: str) -> bool:
    """Tell whether the schema takes a text as a version."""
    rules = _rules()
    return len(text) <= rules["maxLength"] and all(
        re.fullmatch(rule["pattern"], text) for rule in (rules, *rules["allOf"])
    )


def expected() -> str:
    """Say what a version is, in the words of the schema."""
    return str(_rules()["errorMessage"])


def nearest(text: str) -> str | None:
    """Return the version that was probably meant by what is none, None if nothing is near."""
    if _GROUPED.fullmatch(text):
        text = text.replace("_", "")
    found = _LOOSE.fullmatch(text.strip())
    if found is None or (found["early"] and not found["minor"]):
        return None
    major, minor, patch = (int(found[name] or 0) for name in ("major", "minor", "patch"))
    if found["minor"]:
        near = f"{major}.{minor}.{patch}" + (f"-{found['early']}" if found["early"] else "")
    else:
        near = f"v{major}" if found["v"] or not is_version(f"{major}") else f"{major}"
    return near if is_version(near) else None


def hint(text: str | None) -> str:
    """Return the edit that makes a version of what a manifest has in its place."""
    near = nearest(text) if text is not None else None
    if near is None:
        return EXAMPLE
    return f"write version: {repr(near) if scheme(near) == SEMANTIC else near}"


def scheme(version: str) -> str | None:
    """Return the scheme of a version, None if it has none of ours."""
    if _INTEGER.fullmatch(version):
        return INTEGER
    if _NUMBERED.fullmatch(version):
        return NUMBERED
    return SEMANTIC if _SEMANTIC.fullmatch(version) else None


def following(version: str, part: str = "patch") -> str:
    """Return the version after one: 1 -> 2; v1 -> v2; 1.2.3 -> 1.2.4, 1.3.0 or 2.0.0 by part."""
    if _INTEGER.fullmatch(version):
        return f"{int(version) + 1}"
    numbered = _NUMBERED.fullmatch(version)
    if numbered:
        return f"v{int(numbered[1]) + 1}"
    semantic = _SEMANTIC.fullmatch(version)
    assert semantic is not None, "the schema allows no other version"
    major, minor, patch = int(semantic[1]), int(semantic[2]), int(semantic[3])
    if semantic[4]:
        return f"{major}.{minor}.{patch}"
    if part == "major":
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if part == "minor" else f"{major}.{minor}.{patch + 1}"


def order(
    version: str,
) -> tuple[bool, tuple[int, ...], bool, tuple[tuple[bool, int, str], ...], str]:
    """Return what sorts versions from old to new: v9 < v10, 1.0.0-rc.2 < 1.0.0; others come first.

    Parts of a pre-release are compared as semver.org says: numbers before words, by value.
    """
    semantic = _SEMANTIC.fullmatch(version)
    found = _INTEGER.fullmatch(version) or _NUMBERED.fullmatch(version) or semantic
    if found is None:
        return (False, (), False, (), version)
    early = semantic[4] if semantic else None
    parts = tuple(
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in (early or "-")[1:].split(".")
    )
    return (True, tuple(map(int, found.groups()[:3])), early is None, parts, version)


def is_lower(version: str, than: str) -> bool:
    """Tell whether a version comes before one of the same scheme."""
    return scheme(version) == scheme(than) and order(version) < order(than)


def _rules() -> dict[str, Any]:
    rules: dict[str, Any] = resources.schema("model.artifact")["properties"]["version"]
    return rules
