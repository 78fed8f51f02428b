"""A manifest with another version, written where the old one stands."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.manifest import files, load, schema, text, versions
from artifactbuild.manifest.text import Document
from artifactbuild.problems import Problem, Refusal

EXAMPLE = "v2"
"""The version that a hint names where none is similar to what was given."""

_WHERE = ("version",)
_SCALAR = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"|[^\s,\[\]{}#'\"]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A manifest's content with another version in it; `skipped` are versions that are taken."""

    file: str
    before: str
    after: str
    content: bytes
    skipped: tuple[str, ...] = ()


def subject(path: Path) -> tuple[str, str, str]:
    """Return a manifest's path for people, its model and its version; it need not be buildable.

    Raises:
        Refusal: when the manifest is not valid.
    """
    document = _valid(load.content(path), path)
    return document.file, str(document.data["name"]), str(document.data["version"])


def bumped(path: Path, to: str | None, part: str, taken: Collection[str] = ()) -> Change:
    """Return the manifest with its next version, or with `to`; nothing else in it changes.

    Versions that are `taken` are passed over: they were released elsewhere.

    Raises:
        Refusal: when the manifest or the version is not valid; nothing is written.
    """
    raw = load.content(path)
    document = _valid(raw, path)
    before, skipped = str(document.data["version"]), []
    if to is not None:
        _hold(document, before, to, taken)
        after = to
    else:
        after = versions.following(before, part)
        while after in taken:
            skipped.append(after)
            after = versions.following(after, part)
    content = _replaced(raw.decode("utf-8"), document, after).encode()
    written = text.read(content, document.file).data
    if not isinstance(written, dict) or str(written.get("version")) != after:
        message = "the version is written in a way that `bump` does not edit"
        raise Refusal(document.problem(_WHERE, message, f"write version: {before}"))
    _valid(content, path)
    return Change(
        file=document.file, before=before, after=after, content=content, skipped=tuple(skipped)
    )


def hold_version(to: str) -> None:
    """Refuse a malformed version where no manifest is bumped to it.

    Raises:
        Refusal: when it is malformed.
    """
    if not versions.is_version(to):
        hint = f"run `artifactbuild bump --to {versions.nearest(to) or EXAMPLE}`"
        raise Refusal(Problem(file="bump", message=_no_version(to), hint=hint))


def _no_version(to: str) -> str:
    return f"--to {to!r} is no version, {versions.expected()}"


def _hold(document: Document, before: str, to: str, taken: Collection[str]) -> None:
    """Refuse a version that is none, that the manifest has already, or that was released."""
    if not versions.is_version(to):
        near = versions.nearest(to) or versions.following(before)
        hint = f"run `artifactbuild bump --to {near} {document.file}`"
        raise Refusal(document.problem(_WHERE, _no_version(to), hint))
    if to == before:
        message = f"the version is {before!r} already"
        hint = f"run `artifactbuild bump {document.file}` for the next one, or name one with --to"
        raise Refusal(document.problem(_WHERE, message, hint))
    if to in taken:
        message = f"{to} was released before, as the git history says, and is released once"
        hint = f"run `artifactbuild bump {document.file}` for the next one that is free"
        raise Refusal(document.problem(_WHERE, message, hint))


def _valid(raw: bytes, path: Path) -> Document:
    document = text.read(raw, files.display(path))
    problems = (*document.problems, *schema.check(document))
    if problems:
        raise Refusal(*problems)
    return document


def _replaced(content: str, document: Document, after: str) -> str:
    """Put a version in the place of the one that is there, in the same quotes."""
    mark = "\ufeff" if content.startswith("\ufeff") else ""
    line, column = document.values[_WHERE]
    lines = content.removeprefix(mark).splitlines(keepends=True)
    head, tail = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
    found = _SCALAR.match(tail)
    if found is not None:
        quote = found[0][0] if found[0][0] in "'\"" else ""
        lines[line - 1] = f"{head}{quote}{after}{quote}{tail[found.end() :]}"
    return mark + "".join(lines)
