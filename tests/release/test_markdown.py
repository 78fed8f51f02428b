from __future__ import annotations

import time

import pytest
from markdown_it import MarkdownIt

from artifactbuild.release.markdown import code, fence, text
from tests import outputs
from tests.fuzz.mutations import TEXTS


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain words, 2 of 3", "plain words, 2 of 3"),
        ("see https://e.x/a_b.", "see `https://e.x/a_b`."),
        ("(www.e.x) by @org/team", r"(`www.e.x`) by `@org/team`"),
        ("mail me@e.x", "mail `me@e.x`"),
        ("<img src=//e.x/t.png>", r"\<img src=//e.x/t.png\>"),
        ("\n# Approved\n", r"\# Approved"),
        ("::stop-commands::x", r"\::stop-commands::x"),
        ("x ##[group]", r"x ##\[group\]"),
        ("esc \x1b[31m \u202e", r"esc \\x1b\[31m \\u202e"),
        ("`@a` [b](http://c)", r"\``@a`\` \[`b](http://c`)"),
    ],
)
def test_text_shows_just_the_value(value: str, shown: str) -> None:
    assert text(value) == shown


@pytest.mark.parametrize("value", [*TEXTS, r"a\|<img src=x>", r"\\|<b>|`", "`|` @a"])
@pytest.mark.parametrize("form", [text, code])
def test_no_markup_comes_from_a_value(value: str, form: object) -> None:
    assert callable(form)
    shown = form(value)
    for page in (f"{shown}\n", f"words {shown} words\n", f"| a |\n| --- |\n| {shown} |\n"):
        assert outputs.markdown_faults(page, frozenset()) == []
        assert outputs.unseen(page) == []


@pytest.mark.parametrize("value", [r"a\|<img src=x>", r"\\|x", "|", r"\|\|"])
def test_pipe_stays_in_its_cell(value: str) -> None:
    """Readers take one or two characters for an escape: no pipe has an even number before it."""
    for form in (text, code):
        shown = form(value)
        for at, char in enumerate(shown):
            before = len(shown[:at]) - len(shown[:at].rstrip("\\"))
            assert char != "|" or before % 2 == 1


@pytest.mark.parametrize("value", TEXTS)
def test_fence_holds_its_text(value: str) -> None:
    page = f"{fence(value + '````', 'python')}\n\n# After\n"
    kinds = [token.type for token in MarkdownIt("commonmark").parse(page)]
    assert kinds == ["fence", "heading_open", "inline", "heading_close"]


def test_long_value_is_cut_in_linear_time() -> None:
    def spent(size: int) -> float:
        began = time.perf_counter()
        for piece in ("a", "`", "@", "a.", "_*"):
            for form in (text, code, fence):
                assert len(form(piece * size)) < 1_000_000
        return time.perf_counter() - began

    spent(1000)
    assert "… (1,000,000 characters)" in text("a" * 1_000_000)
    assert spent(1_000_000) < 60 * max(spent(100_000), 0.01)
