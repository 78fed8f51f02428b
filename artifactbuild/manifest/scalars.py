"""Unquoted YAML scalars, by the core types of YAML 1.2 and nothing that tools read differently."""

from __future__ import annotations

import math
import re
import unicodedata

NULL = frozenset({"", "~", "null", "Null", "NULL"})
TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
DISPUTED = re.compile(
    r"[-+]?(0[0-9_]+|0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"
    r"|(?=[^_]*_)(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?)"
)
QUOTE = ", or quote it where text is meant"
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Refused(Exception):
    """A scalar that is not taken: what is wrong with it, and the repair."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message, self.hint = message, hint


def resolve(text: str) -> str | int | float | bool | None:
    """Give the value of an unquoted scalar."""
    if text in NULL:
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    if DISPUTED.fullmatch(text):
        raise Refused(
            f"{text} is a number that tools read differently", f"write it in decimal{QUOTE}"
        )
    if NOT_FINITE.fullmatch(text):
        raise Refused(f"{text} is not a finite number", f"write a finite number{QUOTE}")
    if INTEGER.fullmatch(text):
        return _integer(text)
    return _float(text) if FLOAT.fullmatch(text) else text


def invisible(char: str) -> bool:
    """Tell whether a character steers the text instead of showing in it."""
    return char in "\ufffe\uffff" or unicodedata.category(char) in INVISIBLE


def _integer(text: str) -> int:
    if len(text) > 21 or not -(2**63) <= int(text) < 2**64:
        raise Refused("the integer does not fit into 64 bits", f"write a smaller one{QUOTE}")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise Refused("the number is too large for 64 bits", f"write a smaller one{QUOTE}")
    return value
