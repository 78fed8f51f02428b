"""Strict YAML: core types, positions, and nothing that passes by accident."""

from __future__ import annotations

import math

import pytest

from artifactbuild.manifest.text import MAX_BYTES, Document, read


def said(text: str | bytes) -> list[tuple[int | None, int | None, str]]:
    """Give the place and message of each problem of a text."""
    raw = text if isinstance(text, bytes) else text.encode()
    return [(each.line, each.column, each.message) for each in read(raw, "f").problems]


def value(text: str) -> object:
    """Read one scalar, which must be taken."""
    document = read(f"key: {text}\n".encode(), "f")
    assert document.problems == ()
    return document.data["key"]


@pytest.mark.parametrize("text", ["no", "yes", "on", "2024-01-01", "1:30", "1.0.0", "0xZZ", "a_1"])
def test_words_that_yaml_1_1_retypes_are_strings(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("1.10", 1.1),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.0e-3", 0.001),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"a\\tb"', "a\tb"),
        ("18446744073709551615", 2**64 - 1),
    ],
)
def test_core_types_are_read(text: str, expected: object) -> None:
    found = value(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "text", ["010", "-010", "0x1F", "0X1f", "0o17", "0b1", "1_000", "1_0.5", "08", "00", "+0_1"]
)
def test_numbers_that_tools_read_differently_are_refused(text: str) -> None:
    assert said(f"key: {text}") == [(1, 6, f"{text} is a number that tools read differently")]


@pytest.mark.parametrize("text", [".inf", "-.inf", "+.INF", ".nan", ".NaN"])
def test_numbers_that_are_not_finite_are_refused(text: str) -> None:
    assert said(f"key: {text}") == [(1, 6, f"{text} is not a finite number")]


@pytest.mark.parametrize("text", ["1e400", "-1e400", "18446744073709551616", "9" * 5000])
def test_numbers_beyond_64_bits_are_refused(text: str) -> None:
    assert "64 bits" in said(f"key: {text}")[0][2]


def test_no_float_is_ever_infinite() -> None:
    assert math.isfinite(read(b"key: 1.7976931348623157e308", "f").data["key"])


def test_positions_are_of_keys_and_of_values() -> None:
    document = read(b"a:\n  - b: 1\n    c: [x, yy]\n", "f")
    assert document.keys["a", 0, "c"] == (3, 5)
    assert document.values["a", 0, "c", 1] == (3, 12)
    assert document.values["a",] == (2, 3)


def test_problem_falls_back_to_the_nearest_parent() -> None:
    document = read(b"a:\n  b: 1\n", "f")
    where = ("a", "b", "missing", 3)
    assert (document.problem(where, "m").line, document.problem(where, "m").column) == (2, 6)
    assert document.problem(("a", "b"), "m", at="key").column == 3
    assert document.problem(("z",), "m", at="key").line == 1


def test_problems_are_collected_all_at_once() -> None:
    assert said("a: &x 1\nb: *x\nc: !!int 3\nd: 0x1\na: 2\n1: one\n") == [
        (1, 4, "anchor '&x' is not taken"),
        (2, 4, "alias '*x' is not taken"),
        (3, 4, "tag '!!int' is not taken"),
        (4, 4, "0x1 is a number that tools read differently"),
        (5, 1, "duplicate key 'a', first on line 1"),
        (6, 1, "the key is 1, expected a string"),
    ]


@pytest.mark.parametrize("key", ["1", "1.5", "true", "~", "[a]", "{a: 1}", "? [a, b]\n"])
def test_keys_are_strings_only(key: str) -> None:
    (problem,) = read(f"{key}: x".encode(), "f").problems
    assert problem.message.endswith("expected a string")


def test_merge_key_is_refused_and_a_quoted_one_is_a_key() -> None:
    assert said("<<: {a: 1}")[0][2] == "merge key '<<' is not taken"
    assert read(b"'<<': 1", "f").data == {"<<": 1}


@pytest.mark.parametrize("depth", [33, 500, 60_000])
@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_deep_nesting_is_refused_at_any_depth(depth: int, opening: str) -> None:
    (problem,) = read(b"a: " + opening.encode() * depth, "f").problems
    assert problem.message == "nested deeper than 32 levels"


def test_nesting_of_32_levels_is_taken() -> None:
    assert said("a: " + "[" * 31 + "]" * 31) == []
    assert said("a: " + "[" * 32 + "]" * 32) != []


def test_too_large_a_file_is_refused_unread() -> None:
    (problem,) = read(b"#" * (MAX_BYTES + 1), "f").problems
    assert problem.message == "the file has more than 1048576 bytes"


@pytest.mark.parametrize(
    "char", ["\u202e", "\u200b", "\u2066", "\xad", "\x00", "\x07", "\x85", "\u2028", "\ufeff"]
)
@pytest.mark.parametrize("text", ["# {}", "key: a{}b", "key: 'a{}b'", "k{}y: 1"])
def test_invisible_characters_are_refused_anywhere(char: str, text: str) -> None:
    found = said("first: 1\n" + text.format(char))
    assert [message for *_, message in found] == [f"invisible character U+{ord(char):04X}"]
    assert found[0][:2] == (2, text.index("{") + 1)


@pytest.mark.parametrize("escape", ["\\u202e", "\\0", "\\x1b", "\\ud800"])
def test_invisible_characters_are_refused_as_escapes(escape: str) -> None:
    assert said(f'key: "{escape}"')[0][2].startswith("the string holds the invisible character")
    assert said(f'"{escape}": 1')[0][2].startswith("the string holds the invisible character")


def test_leading_byte_order_mark_is_tolerated() -> None:
    document = read("\ufeffkey: 1".encode(), "f")
    assert (document.data, document.problems) == ({"key": 1}, ())
    assert document.keys["key",] == (1, 1)


@pytest.mark.parametrize("text", [b"a: 1\nb: \xff", b"\xef\xbb\xbfa: 1\nb: \xff"])
def test_bad_byte_is_located(text: bytes) -> None:
    assert said(text) == [(2, 4, "byte 0xff is not UTF-8")]


@pytest.mark.parametrize("text", ["", "\n\n", "# comment\n", "---\n", "\ufeff"])
def test_empty_file_is_one_clear_problem(text: str) -> None:
    assert said(text) == [(1, 1, "the file is empty")]


@pytest.mark.parametrize(("text", "kind"), [("- a", "a list"), ("hello", "a single value")])
def test_file_without_a_mapping_is_one_clear_problem(text: str, kind: str) -> None:
    assert said(text) == [(1, 1, f"expected a mapping of keys at the top, found {kind}")]


def test_second_document_is_refused() -> None:
    assert said("a: 1\n---\nb: 2\n") == [(2, 1, "a second document begins here")]
    assert said("---\na: 1\n...\n") == []


@pytest.mark.parametrize("text", ["%YAML 1.1\n---\na: 1", "%TAG ! x\n---\na: 1"])
def test_directives_are_refused(text: str) -> None:
    assert said(text) == [(1, 1, "YAML directives are not taken")]


@pytest.mark.parametrize(
    "text", ["a: [1", "a: b: c", "a: 'x", "\ta: 1", "a: @b", 'a: "\\UFFFFFFFF"', "a: \\\n b: 1"]
)
def test_syntax_error_ends_the_reading(text: str) -> None:
    document = read(text.encode(), "f")
    assert document.data is None
    assert [each.message.startswith("not valid YAML: ") for each in document.problems] == [True]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(ending: str) -> None:
    document = read(f"a: 1{ending}b: 010{ending}".encode(), "f")
    (problem,) = document.problems
    assert (problem.line, problem.source) == (2, "b: 010")


def test_first_of_two_equal_keys_is_kept() -> None:
    document: Document = read(b"a: {x: 1}\na: {y: 2}\n", "f")
    assert document.data == {"a": {"x": 1}}
