"""The next version of a manifest, written where the old one stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.manifest import files, load, schema, text
from artifactbuild.manifest.text import Document
from artifactbuild.problems import Refusal

_NUMBERED = re.compile(r"v(\d+)")
_SEMANTIC = re.compile(r"(\d+)\.(\d+)\.(\d+)(-.+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A manifest's content with another version in it."""

    file: str
    before: str
    after: str
    content: bytes


def bumped(path: Path, to: str | None, part: str) -> Change:
    """Return the manifest with its next version, or with `to`; nothing else in it changes.

    Raises:
        Refusal: when the manifest or the version is not valid; nothing is written.
    """
    raw = load.content(path)
    document = _valid(raw, path)
    before = document.data["version"]
    after = to if to is not None else following(before, part)
    content = _replaced(raw.decode("utf-8"), document, before, after).encode()
    _valid(content, path)
    if after == before:
        message = f"the version is {before!r} already"
        raise Refusal(document.problem(("version",), message, "name another one with --to"))
    return Change(file=document.file, before=before, after=after, content=content)


def following(version: str, part: str) -> str:
    """Return the version after one: v1 -> v2; 1.2.3 -> 1.2.4, 1.3.0 or 2.0.0 by part."""
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
    numbered, semantic = _NUMBERED.fullmatch(version), _SEMANTIC.fullmatch(version)
    found = numbered or semantic
    if found is None:
        return (False, (), False, (), version)
    early = semantic[4] if semantic else None
    parts = tuple(
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in (early or "-")[1:].split(".")
    )
    return (True, tuple(map(int, found.groups()[:3])), early is None, parts, version)


def _valid(raw: bytes, path: Path) -> Document:
    document = text.read(raw, files.display(path))
    problems = (*document.problems, *schema.check(document))
    if problems:
        raise Refusal(*problems)
    return document


def _replaced(content: str, document: Document, before: str, after: str) -> str:
    line, column = document.values["version",]
    lines = content.splitlines(keepends=True)
    head, tail = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
    lines[line - 1] = head + tail.replace(before, after, 1)
    return "".join(lines)
