"""The support table of the README, out of what the suite really ran."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from artifactbuild.manifest.schema import format_names
from tests.kinds.nouns import Kind
from tests.kinds.prove import CLOSE, EXACT, REFUSED, UNSETTLED

BEGIN, END = "<!-- support table: begin -->\n", "<!-- support table: end -->\n"
SIGNS = {EXACT: "✓", CLOSE: "~", UNSETTLED: "?"}
NO = "✗"

_NAME = re.compile(r"'[^']*'|\b(?!TimeDistributed|TypeError|NumPy)[A-Z]\w+")
"""What a message quotes of a model, and the names of classes and operations."""

Expected = Mapping[str, Mapping[str, str]]
Notes = dict[str, dict[str, list[str]]]
"""Kinds by the reason that they were refused for, by the sort of reason."""


def table(kinds: Sequence[Kind], expected: Expected) -> str:
    """Return the table in Markdown: a row for each sort of model, a column for each format."""
    groups = list(dict.fromkeys(kind.group for kind in kinds))
    names = {group: [kind.name for kind in kinds if kind.group == group] for group in groups}
    notes: Notes = {}
    rows = [f"| model | {' | '.join(format_names())} |", "| --- " * (len(format_names()) + 1) + "|"]
    for group in groups:
        cells = [_cell(names[group], expected, each, notes) for each in format_names()]
        rows.append(f"| {group} | {' | '.join(cells)} |")
    reasons = [f"{number}. {_told(note)}" for number, note in enumerate(notes.values(), 1)]
    unsettled = any(UNSETTLED in said.values() for said in expected.values())
    remark = ["? is neither yet, a fault on which the suite fails.", ""] if unsettled else []
    return "\n".join([*rows, "", *remark, *_details(reasons, len(kinds))]) + "\n"


def _cell(names: Sequence[str], expected: Expected, format: str, notes: Notes) -> str:
    """Return the signs of a row's kinds in one format; refusals are noted by their reasons."""
    said = {name: expected[name][format] for name in names}
    signs = [sign for verdict, sign in SIGNS.items() if verdict in said.values()]
    numbers = set()
    for name, verdict in said.items():
        if verdict not in SIGNS:
            reason = verdict.removeprefix(REFUSED)
            sort = _NAME.sub("…", reason)
            notes.setdefault(sort, {}).setdefault(reason, []).append(name)
            numbers.add(list(notes).index(sort) + 1)
    if numbers:
        signs.append(f"{NO}<sup>{', '.join(map(str, sorted(numbers)))}</sup>")
    return " ".join(signs)


def _told(note: Mapping[str, Sequence[str]]) -> str:
    """Return reasons that are alike but for names as one: the first, and the kinds of all."""
    first, *others = (
        ", ".join(f"`{name}`" for name in dict.fromkeys(names)) for names in note.values()
    )
    likewise = f"; likewise {', '.join(others)}" if others else ""
    return f"{_escaped(next(iter(note)))}: {first}{likewise}"


def _escaped(text: str) -> str:
    """Return text that Markdown shows as it stands."""
    return re.sub(r"([\\`*_<>|\[\]])", r"\\\1", text)


def _details(reasons: Sequence[str], kinds: int) -> list[str]:
    summary = f"<summary>Why not: what the build says of the {kinds} models tried</summary>"
    return ["<details>", summary, "", *reasons, "", "</details>"]
