"""Problems that many manifests have by one cause, told as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from artifactbuild import causes
from artifactbuild.causes import COUNT, WHAT, Group
from artifactbuild.commands.telling import Drift
from artifactbuild.problems import Problem

NAMED = 20
"""How many versions a problem names before it counts the rest."""


def problems(drifts: Sequence[Drift], asked: int, arguments: Sequence[str]) -> list[Problem]:
    """Return the problem of each disagreement, and one for each cause that several share.

    `asked` is of how many manifests, which `arguments` named.
    """
    own = [Problem(**each["problem"]) for each in alone(drifts)]
    return [*own, *of_many(drifts, asked, arguments)]


def alone(drifts: Sequence[Drift]) -> list[Drift]:
    """Return the disagreements that have a cause of their own."""
    _, left = causes.groups(_causes(drifts))
    return [each for each, rest in zip(drifts, left, strict=True) if rest or not each.get("shared")]


def of_many(drifts: Sequence[Drift], asked: int, arguments: Sequence[str]) -> list[Problem]:
    """Return a problem for each cause that several disagreements share."""
    groups, _ = causes.groups(_causes(drifts))
    return [
        _problem([drifts[member] for member in group.members], what, asked, arguments)
        for group in groups
        for what in _apart(group)
    ]


def _causes(drifts: Sequence[Drift]) -> list[tuple[str, Sequence[str]]]:
    return [
        (_key(each), each["shared"]["causes"]) if each.get("shared") else ("", ())
        for each in drifts
    ]


def _key(drift: Drift) -> str:
    own = drift["shared"]
    return "\n".join((drift["name"], own["many"], own["command"], own["or_else"]))


def _apart(group: Group) -> list[str]:
    """Return the causes that are told by themselves: those that lie in files of their own."""
    merged = group.key.startswith("environment-changed\n")
    return ["; ".join(group.causes)] if merged else group.causes


def _problem(drifts: Sequence[Drift], what: str, asked: int, arguments: Sequence[str]) -> Problem:
    first, own = drifts[0], drifts[0]["shared"]
    versions = [each["shared"]["version"] for each in drifts]
    more = f", and {len(versions) - NAMED} more" if len(versions) > NAMED else ""
    sentence = own["many"].replace(COUNT, str(len(drifts))).replace(WHAT, what)
    message = f"{first['name']}: {sentence} ({', '.join(versions[:NAMED])}{more})"
    place: dict[str, Any] = {**first["problem"]}
    if own["file"]:
        place = {"file": own["file"]}
    return Problem(**{**place, "message": message, "hint": _hint(drifts, what, asked, arguments)})


def _hint(drifts: Sequence[Drift], what: str, asked: int, arguments: Sequence[str]) -> str:
    own = drifts[0]["shared"]
    files = [causes.quoted(each["shared"]["manifest"]) for each in drifts]
    are_all = len(set(files)) == asked
    command, or_else = (
        causes.filled(each, files, are_all, arguments).replace(WHAT, what)
        for each in (own["command"], own["or_else"])
    )
    if not or_else:
        return f"`{command}`"
    return f"`{command}` if the models are still the same, else `{or_else}`"
