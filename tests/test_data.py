from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from artifactbuild import data
from artifactbuild.data import Mismatch, decode, dumps, encode, prepare


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    name: str
    ratio: float
    inner: tuple[Inner, ...]
    named: Mapping[str, Inner]
    anything: Any = None


NOUN = Outer(
    name="é", ratio=0.5, inner=(Inner(size=1), Inner(size=None)), named={"b": Inner(size=2)}
)


def test_decode_undoes_encode() -> None:
    assert decode(Outer, encode(NOUN)) == NOUN


def test_types_of_prepared_nouns_are_known_when_they_are_decoded() -> None:
    data._hints.cache_clear()
    prepare(Outer)
    before = data._hints.cache_info().misses
    decode(Outer, encode(NOUN))
    assert data._hints.cache_info().misses == before


def test_text_is_sorted_and_ends_with_a_newline() -> None:
    assert dumps({"b": 1, "a": (True, None)}) == (
        '{\n  "a": [\n    true,\n    null\n  ],\n  "b": 1\n}\n'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    name: str
    size: int = 0
    named: Mapping[str, int] = field(default_factory=dict)


def test_noun_on_a_line_keeps_its_order_and_leaves_defaults_out() -> None:
    lines = [Line(name="z"), Line(name="é", named={"b": 1, "a": 2})]
    text = dumps({"lines": lines, "none": [], "empty": {}}, lines=(Line,))
    assert text == (
        '{\n  "empty": {},\n  "lines": [\n'
        '    {"name": "z"},\n'
        '    {"name": "é", "named": {"a": 2, "b": 1}}\n'
        '  ],\n  "none": []\n}\n'
    )
    assert [decode(Line, item) for item in json.loads(text)["lines"]] == lines


def test_ordered_noun_keeps_the_order_of_its_fields() -> None:
    assert dumps(NOUN, ordered=(Outer,)).splitlines()[1:4] == [
        '  "name": "é",',
        '  "ratio": 0.5,',
        '  "inner": [',
    ]


@pytest.mark.parametrize("value", [NOUN, [], {}, {"a": [[], {}, [1, {"b": None}]]}, 1.5, "é"])
def test_text_is_that_of_the_standard_library(value: Any) -> None:
    standard = json.dumps(encode(value), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert dumps(value) == standard


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 1}, "$.name: expected str, found int"),
        ({"more": 1}, "$: unknown key 'more'"),
        ({"inner": [{"size": "1"}]}, "$.inner[0].size: expected int, found str"),
        ({"inner": [{}]}, "$.inner[0]: missing key 'size'"),
        ({"named": {"b": 3}}, "$.named.b: expected a mapping, found int"),
        ({"ratio": True}, "$.ratio: expected float, found bool"),
    ],
)
def test_mismatch_names_the_path(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Mismatch) as mismatch:
        decode(Outer, {**encode(NOUN), **change})
    assert str(mismatch.value) == message


def test_whole_number_is_read_as_float() -> None:
    assert decode(Outer, {**encode(NOUN), "ratio": 2}).ratio == 2.0


@dataclass(frozen=True, kw_only=True)
class Grown:
    """A noun that got a field later."""

    old: str
    new: Mapping[str, str] = field(default_factory=dict, metadata=data.LATER)


def test_field_that_was_added_later_is_not_written_while_it_is_empty() -> None:
    assert data.dumps(Grown(old="a")) == '{\n  "old": "a"\n}\n'
    full = Grown(old="a", new={"b": "c"})
    assert data.decode(Grown, data.loads(data.dumps(full).encode())) == full
    assert data.decode(Grown, {"old": "a"}) == Grown(old="a")
