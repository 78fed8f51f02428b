"""What `build`, `check` and `plan` say of one manifest."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from artifactbuild import screen
from artifactbuild.index.answers import Answer
from artifactbuild.manifest import find
from artifactbuild.outcome import Outcome, Result
from artifactbuild.unchanged import Asked

Drift = Mapping[str, Any]
"""One disagreement, as plain data: see `review.drift`."""


def unchanged(asked: Asked, answer: Answer) -> dict[str, str]:
    """Return what verbs without options say while nothing changes, where that is all they do."""
    shown = find.shown(asked.manifest)
    said = {"plan": planned(answer)}
    if not any(each["error"] for each in answer.drift):
        said["check"] = checked(shown, answer, answer.drift, answer.drift)
    if answer.checks is not None:
        said["build"] = built(kept(asked, answer))
    return said


def planned(answer: Answer) -> str:
    """Say what would be done."""
    rows = [(step["format"], step["action"], step["reason"]) for step in answer.plan["steps"]]
    return f"{answer.model} {answer.version}: {answer.summary}\n{screen.table(rows)}"


def checked(file: str, answer: Answer, drifts: Sequence[Drift], told: Sequence[Drift]) -> str:
    """Say what was found: those of the disagreements that are only to be told."""
    title = f"{file}: {answer.model} {answer.version}"
    rows = [(each["name"], each["sentence"], f"`{each['repair']}`") for each in told]
    table = screen.table(rows) if told else ""
    if len(told) == len(drifts):
        return f"{title} is good\n{table}"
    return f"{title}\n{table}" if told else ""


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


def built(outcome: Outcome) -> str:
    """Say what became of every format, and of the lock."""
    rows = [(r.format, r.outcome, f"{r.checks} checks", r.folder) for r in outcome.results]
    state = "written" if outcome.lock_changed else "unchanged"
    table = screen.table([*rows, ("lock", state, "", outcome.lock)])
    return f"{outcome.model} {outcome.version}\n{table}"
