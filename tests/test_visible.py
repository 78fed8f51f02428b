from __future__ import annotations

import time

import pytest

from artifactbuild.visible import cut, document, line, visible, without_marks


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe × 2 → 中文", "größe × 2 → 中文"),
        ("two\n\tlines", "two\n\tlines"),
        ("a\u202eb\u200bc\x00", r"a\u202eb\u200bc\x00"),
        ("half\ud800, not UTF-8 \udcff", r"half\ud800, not UTF-8 \udcff"),
        ("\x1b[31m\x9b2J\x7f\r", r"\x1b[31m\x9b2J\x7f\r"),
        ("\u2028\u2029\ufeff\u00ad\u00a0", r"\u2028\u2029\ufeff\xad\xa0"),
        ("\U000e0041\U000e0100", r"\U000e0041\U000e0100"),
        ("\u3164\u034f\u115f", r"\u3164\u034f\u115f"),
        ("careful \u26a0\ufe0f, 1\ufe0f\u20e3", "careful \u26a0\ufe0f, 1\ufe0f\u20e3"),
        ("a\ufe0f\u26a0\ufe0f\ufe0f\ufe00", "a\\ufe0f\u26a0\ufe0f\\ufe0f\\ufe00"),
    ],
)
def test_every_character_can_be_seen(text: str, shown: str) -> None:
    assert visible(text, "\n\t") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("v1\n::stop-commands::pwn", r"v1\n::stop-commands::pwn"),
        ("::stop-commands::pwn", r"\x3a:stop-commands::pwn"),
        ("  ::add-mask::x", r"  \x3a:add-mask::x"),
        ("a ##[group]b ##vso[x]y", r"a #\x23[group]b #\x23vso[x]y"),
        ("###[group]", r"#\x23#[group]"),
        ("## Heading [1]", "## Heading [1]"),
        ("std::vector, a::b", "std::vector, a::b"),
        ("x" * 5000, "x" * 4000 + "… (5,000 characters)"),
    ],
)
def test_line_is_one_line_and_no_command(text: str, shown: str) -> None:
    assert line(text) == shown


def test_document_keeps_its_lines() -> None:
    assert document("a\n::set::b\n\x1b\tc\n") == "a\n\\x3a:set::b\n\\x1b\tc\n"


def test_long_text_is_cut_and_says_so() -> None:
    assert cut("é" * 11, 10) == "é" * 10 + "… (11 characters)"


def test_marks_of_json_are_spelt_in_json() -> None:
    assert without_marks('"##[x]"', "#\\u0023") == '"#\\u0023[x]"'


def test_time_is_linear() -> None:
    def spent(size: int) -> float:
        began = time.perf_counter()
        document(("\x1b##[a\u202e" * 10 + "\n") * size)
        return time.perf_counter() - began

    spent(100)
    assert spent(20_000) < 60 * max(spent(2_000), 0.01)
