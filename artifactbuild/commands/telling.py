"""What `build`, `check` and `plan` say of one manifest."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from artifactbuild import causes, screen, visible
from artifactbuild.index.answers import Answer
from artifactbuild.manifest import find
from artifactbuild.outcome import Outcome, Result
from artifactbuild.unchanged import Asked

Drift = Mapping[str, Any]
"""One disagreement, as plain data: see `review.drift`."""


def unchanged(asked: Asked, answer: Answer) -> dict[str, str]:
    """Return the text of verbs without options while nothing changes, where that is all they do."""
    shown = find.shown(asked.manifest)
    said = {"plan": planned(answer)}
    if not any(each["error"] for each in answer.drift):
        said["check"] = checked(shown, answer, answer.drift, answer.drift)
    if answer.checks is not None:
        said["build"] = built(kept(asked, answer))
    return {verb: screen.text(lines) for verb, lines in said.items()}


def planned(answer: Answer, *, in_short: bool = False) -> list[str]:
    """Return lines on what would be done; `in_short` without the command that comes next."""
    rows = [(step["format"], step["action"], step["reason"]) for step in answer.plan["steps"]]
    summary = answer.summary.partition(" (`")[0] if in_short else answer.summary
    return [f"{answer.model} {answer.version}: {summary}", *screen.table(rows)]


def checked(file: str, answer: Answer, drifts: Sequence[Drift], told: Sequence[Drift]) -> list[str]:
    """Return lines on what was found: those of the disagreements that are only to be told."""
    title = f"{file}: {answer.model} {answer.version}"
    alone = [each for each in told if not each.get("shared")]
    rows = [(each["name"], each["sentence"], f"`{each['repair']}`") for each in alone]
    blocks = [line for each in told if each.get("shared") for line in _block(each)]
    if len(told) == len(drifts):
        return [f"{title}{causes.GOOD}", *screen.table(rows), *blocks]
    return [title, *screen.table(rows), *blocks] if told else []


def _block(drift: Drift) -> list[str]:
    """Return lines on what other manifests may share, for `causes.told`."""
    own = drift["shared"]
    sentences = (drift["name"], own["one"], drift["repair"], own["many"], own["command"])
    texts = (*sentences, causes.quoted(own["manifest"]), *own["causes"])
    return causes.block(*(visible.cut(text, screen.CELL) for text in texts))


def kept(asked: Asked, answer: Answer) -> Outcome:
    """Return the outcome of a build that keeps everything."""
    checks, root = answer.checks or {}, asked.place.root
    return Outcome(
        model=answer.model,
        version=answer.version,
        results=tuple(
            Result(
                format=(format := step["format"]),
                outcome=step["reason"],
                folder=find.shown(os.path.join(root, answer.model, format, answer.version)),
                checks=checks[format],
            )
            for step in answer.plan["steps"]
        ),
        lock=find.shown(os.path.splitext(asked.manifest)[0] + ".lock"),
        lock_changed=False,
    )


def built(outcome: Outcome) -> list[str]:
    """Return lines on what became of every format, and of the lock."""
    rows = [(r.format, r.outcome, f"{r.checks} checks", r.folder) for r in outcome.results]
    state = "written" if outcome.lock_changed else "unchanged"
    table = screen.table([*rows, ("lock", state, "", outcome.lock)])
    return [f"{outcome.model} {outcome.version}", *table]
