"""Which of two rules for an output is the weaker one, and in what words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artifactbuild.manifest import rules
from artifactbuild.manifest.rules import Rule

STRENGTH = ("exact", "allclose", "argmax", "range")
"""Ways to compare, the strongest first."""


def rules_of(
    options: Mapping[str, Any],
    format: str,
    outputs: tuple[str, ...],
    data: Mapping[str, Any] | None = None,
) -> dict[str, Rule]:
    """Return the rules of a format's outputs from its complete options.

    `data` is the manifest, for what it says of all formats. There are none without a tolerance.
    """
    if not {"atol", "rtol"} <= set(options.get("tolerance", {})):
        return {}
    known = {"formats": {format: options}, **({} if data is None else _of_all(data))}
    return rules.rules(known, format, options, outputs, precision="")


def weakened(before: Rule, after: Rule) -> str:
    """Say how a rule is weaker than it was; empty if it is not."""
    if STRENGTH.index(after.compare) > STRENGTH.index(before.compare):
        return f"{_told(before)} → {_told(after)}"
    if before.compare != after.compare or after.compare != "allclose":
        return ""
    return ", ".join(
        f"{name} {getattr(before, name):g} → {getattr(after, name):g}"
        for name in ("atol", "rtol")
        if getattr(after, name) > getattr(before, name)
    )


def changes(before: Mapping[str, Rule], after: Mapping[str, Rule]) -> dict[str, str]:
    """Say of each output how its rule is weaker; all of them are one where they say the same."""
    found = {
        name: what
        for name, rule in after.items()
        if name in before and (what := weakened(before[name], rule))
    }
    alike = len(found) == len(after) and len({*found.values()}) == 1
    return {"": next(iter(found.values()))} if alike else found


def _of_all(data: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: data[key] for key in ("stochastic",) if key in data}
    of_all = {k: v for k, v in (data.get("validation") or {}).items() if k != "tolerance"}
    return {**own, "validation": of_all}


def _told(rule: Rule) -> str:
    return f"atol {rule.atol:g}, rtol {rule.rtol:g}" if rule.compare == "allclose" else rule.compare
