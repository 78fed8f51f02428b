"""Which rule is the weaker one."""

from __future__ import annotations

from typing import Any

import pytest

from artifactbuild.manifest import weaker
from artifactbuild.manifest.rules import Rule


def rule(compare: str = "allclose", atol: float = 1e-06, rtol: float = 1e-05) -> Rule:
    return Rule(compare=compare, atol=atol, rtol=rtol, source="")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (rule(), rule(), ""),
        (rule(), rule(atol=1e-3), "atol 1e-06 → 0.001"),
        (rule(), rule(rtol=1e-3), "rtol 1e-05 → 0.001"),
        (rule(), rule(atol=1.0, rtol=1.0), "atol 1e-06 → 1, rtol 1e-05 → 1"),
        (rule(), rule(atol=1e-9), ""),
        (rule(), rule(atol=1e-9, rtol=0.5), "rtol 1e-05 → 0.5"),
        (rule("exact"), rule(), "exact → atol 1e-06, rtol 1e-05"),
        (rule(), rule("exact"), ""),
        (rule(), rule("argmax"), "atol 1e-06, rtol 1e-05 → argmax"),
        (rule("argmax", atol=0), rule("argmax", atol=1), ""),
        (rule("argmax"), rule("range"), "argmax → range"),
    ],
)
def test_weaker(before: Rule, after: Rule, said: str) -> None:
    assert weaker.weakened(before, after) == said


TOLERANCE = {"tolerance": {"atol": 1e-06, "rtol": 1e-05}}


@pytest.mark.parametrize(
    ("options", "data", "said"),
    [
        (TOLERANCE, None, {}),
        ({"tolerance": {"atol": 0.1, "rtol": 1e-05}}, None, {"": "atol 1e-06 → 0.1"}),
        (
            {**TOLERANCE, "outputs": {"y": {"tolerance": {"atol": 0.1}}}},
            None,
            {"y": "atol 1e-06 → 0.1"},
        ),
        (TOLERANCE, {"validation": {"compare": "argmax"}}, {"": "atol 1e-06, rtol 1e-05 → argmax"}),
        (
            TOLERANCE,
            {"validation": {"outputs": {"y": {"compare": "argmax"}}}},
            {"y": "atol 1e-06, rtol 1e-05 → argmax"},
        ),
        (TOLERANCE, {"stochastic": True}, {"": "atol 1e-06, rtol 1e-05 → range"}),
        ({}, None, {}),
    ],
)
def test_rules_of_a_format_follow_from_its_options_and_the_manifest(
    options: dict[str, Any], data: dict[str, Any] | None, said: dict[str, str]
) -> None:
    before = weaker.rules_of(TOLERANCE, "keras", ("x", "y"))
    assert weaker.changes(before, weaker.rules_of(options, "keras", ("x", "y"), data)) == said
