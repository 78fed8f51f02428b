"""Problems read like a good compiler's."""

from __future__ import annotations

import json
import pickle

import pytest

from artifactbuild.problems import Problem, Refusal, did_you_mean, summary

LOCATED = Problem(
    file="manifests/digits/model.artifact.yaml",
    message="unknown format 'tf_lite'",
    hint="did you mean 'tflite'? formats are: h5, keras",
    line=14,
    column=3,
    source="  tf_lite: {}",
)


def caret(source: str, column: int) -> tuple[str, str]:
    """Give the shown line and the caret's line of a problem at a column."""
    _, shown, below = (
        Problem(file="f", message="m", line=1, column=column, source=source).render().split("\n")
    )
    return shown, below


def test_located_problem_shows_its_line_and_a_caret() -> None:
    assert LOCATED.render() == (
        "manifests/digits/model.artifact.yaml:14:3: unknown format 'tf_lite'\n"
        "    tf_lite: {}\n"
        "    ^ did you mean 'tflite'? formats are: h5, keras"
    )


def test_problem_without_a_line_has_its_hint_below() -> None:
    assert Problem(file="f", message="m", hint="h").render() == "f: m\n    h"
    assert Problem(file="f", message="m").render() == "f: m"


def test_problem_without_a_hint_has_a_bare_caret() -> None:
    assert caret("    key: value", 10) == ("    key: value", "         ^")


@pytest.mark.parametrize("column", [1, 60, 200, 396, 400])
def test_long_line_is_cut_around_the_caret(column: int) -> None:
    source = "a" * (column - 1) + "X" + "b" * (400 - column)
    shown, below = caret(source, column)
    assert len(shown) <= 4 + 96 + 2
    assert shown[below.index("^")] == "X"


def test_control_characters_are_escaped_and_the_caret_follows() -> None:
    shown, below = caret("a\x1b[2J\u202eX", 7)
    assert shown == "    a\\x1b[2J\\u202eX"
    assert shown[below.index("^")] == "X"
    assert Problem(file="f", message="\x1b[2J").render() == "f: \\x1b[2J"


def test_caret_stands_under_wide_characters() -> None:
    assert caret("日本: X", 5)[1] == "    " + " " * 6 + "^"


def test_caret_may_stand_behind_the_line() -> None:
    assert caret("key:", 6) == ("    key:", "         ^")


def test_problem_is_plain_data() -> None:
    data = json.loads(json.dumps(LOCATED.to_data()))
    assert Problem(**data) == LOCATED


def test_refusal_carries_its_problems_across_processes() -> None:
    refusal = pickle.loads(pickle.dumps(Refusal(LOCATED, LOCATED)))
    assert refusal.problems == (LOCATED, LOCATED)
    assert str(refusal) == f"{LOCATED.render()}\n{LOCATED.render()}"


def test_problems_are_counted_in_words() -> None:
    assert [summary([LOCATED] * count) for count in (0, 1, 3)] == [
        "0 problems",
        "1 problem",
        "3 problems",
    ]


def test_guess_ignores_case_and_gives_up_on_strangers() -> None:
    assert did_you_mean("tf_lite", ["keras", "tflite"]) == "did you mean 'tflite'?"
    assert did_you_mean("ADAM", ["Adam"]) == "did you mean 'Adam'?"
    assert did_you_mean("zebra", ["keras", "tflite"]) == ""
