"""Where a string of a Python source ends, as every Python that can read the source has it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORMATTED = frozenset({"f", "fr", "rf", "t", "tr", "rt"})
"""Prefixes of strings that hold expressions; those with `t` are of Python 3.14."""

_END = {
    "'": re.compile(r"[^'\\\n]*(?:\\.[^'\\\n]*)*'", re.DOTALL),
    '"': re.compile(r'[^"\\\n]*(?:\\.[^"\\\n]*)*"', re.DOTALL),
    "'''": re.compile(r"[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''", re.DOTALL),
    '"""': re.compile(r'[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""', re.DOTALL),
}
"""What follows the quote that begins a string, up to the quote that ends it."""

_NEXT_IN_TEXT = re.compile(r"[\n\\{}'\"]")
_NEXT_IN_FIELD = re.compile(r"[\\#'\":()\[\]{}]")
_NAMED_CHARACTER = re.compile(r"N\{[^{}'\"\\\n]*\}")


class Unclear(ValueError):
    """What the scanner does not read for sure, or is no Python."""


def end_of_line(text: str, at: int) -> int:
    """Return the place of the next newline, or of the end."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def after_backslash(text: str, at: int) -> int:
    """Return the start of the line after the one that a backslash ends."""
    if text[at + 1 : at + 2] != "\n" or at + 2 == len(text):
        raise Unclear("has a backslash that continues no line")
    return at + 2


def after_string(text: str, at: int) -> int:
    """Return the place after the string whose quote is at a place."""
    quote, prefix = _quote(text, at), _prefix(text, at)
    if prefix in _FORMATTED:
        return _after_formatted(text, at + len(quote), _Text(quote=quote, raw="r" in prefix))
    found = _END[quote].match(text, at + len(quote))
    if found is None:
        raise Unclear("has a string without an end")
    return found.end()


def _quote(text: str, at: int) -> str:
    triple = text[at] * 3
    return triple if text.startswith(triple, at) else text[at]


def _prefix(text: str, at: int) -> str:
    """Return the word before a quote, or a part of it that is longer than any prefix."""
    start = at
    while start > 0 and at - start < 3 and _is_of_word(text[start - 1]):
        start -= 1
    return text[start:at].lower()


def _is_of_word(char: str) -> bool:
    return char >= "\x80" or char.isalnum() or char == "_"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """The text of an f-string, or the format specification of a field of it."""

    quote: str
    raw: bool
    specification: bool = False


@dataclass(slots=True, kw_only=True)
class _Field:
    """A replacement field of an f-string, and how many brackets are open in it."""

    of: _Text
    depth: int = 0


def _after_formatted(text: str, at: int, outermost: _Text) -> int:
    """Return the place after an f-string, as Python reads it since 3.12.

    An f-string that Python before 3.12 reads ends at the same place: it has none of its own quotes
    in a field.
    """
    within: list[_Text | _Field] = [outermost]
    while within:
        inner = within[-1]
        step = _in_field if isinstance(inner, _Field) else _in_text
        at = step(text, at, within)
    return at


def _in_text(text: str, at: int, within: list[_Text | _Field]) -> int:
    inner = within[-1]
    assert isinstance(inner, _Text)
    found = _NEXT_IN_TEXT.search(text, at)
    if found is None:
        raise Unclear("has an f-string without an end")
    sign, place = found[0], found.start()
    if sign == "\n":
        if inner.specification or len(inner.quote) == 1:
            raise Unclear("has an f-string that goes over lines where it must not")
    elif sign == "\\":
        return _after_escape(text, place + 1, raw=inner.raw)
    elif sign == "{":
        if text.startswith("{{", place) and not inner.specification:
            return place + 2
        within.append(_Field(of=inner))
    elif sign == "}":
        if inner.specification:
            del within[-2:]
        elif text.startswith("}}", place):
            return place + 2
        else:
            raise Unclear("has a single brace in an f-string")
    elif text.startswith(inner.quote, place):
        if inner.specification:
            raise Unclear("has an f-string that ends in a field")
        within.pop()
        return place + len(inner.quote)
    return place + 1


def _after_escape(text: str, at: int, *, raw: bool) -> int:
    """Return the place after what a backslash escapes; a brace is none of it."""
    if text[at : at + 1] in ("{", "}"):
        return at
    if not raw and text.startswith("N{", at):
        found = _NAMED_CHARACTER.match(text, at)
        if found is None:
            raise Unclear("has a character without a name")
        return found.end()
    return at + 1


def _in_field(text: str, at: int, within: list[_Text | _Field]) -> int:
    inner = within[-1]
    assert isinstance(inner, _Field)
    found = _NEXT_IN_FIELD.search(text, at)
    if found is None:
        raise Unclear("has an f-string without an end")
    sign, place = found[0], found.start()
    if sign in "'\"":
        return _after_inner_string(text, place, within)
    if sign == "\\":
        return after_backslash(text, place)
    if sign == "#":
        return end_of_line(text, place)
    if sign in "([{":
        inner.depth += 1
    elif sign == ":":
        if not inner.depth:
            of = inner.of
            within.append(_Text(quote=of.quote, raw=of.raw, specification=True))
    elif inner.depth:
        inner.depth -= 1
    elif sign == "}":
        within.pop()
    else:
        raise Unclear("has a bracket without its partner in an f-string")
    return place + 1


def _after_inner_string(text: str, at: int, within: list[_Text | _Field]) -> int:
    prefix = _prefix(text, at)
    if prefix not in _FORMATTED:
        return after_string(text, at)
    quote = _quote(text, at)
    within.append(_Text(quote=quote, raw="r" in prefix))
    return at + len(quote)
