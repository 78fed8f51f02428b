"""Changes of plain data and of bytes, as hypothesis draws them: one draw is always one change."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

TEXTS = (
    "",
    " ",
    "a\0b",
    "\x1b]0;pwn\x07\x1b[2J",
    "line\n::stop-commands::pwn\n##[add-mask]x",
    "::error file=a::b",
    "\u202eabc\u2066\u200b\u2028\u2029\u0085\u009b31m\ufeff",
    "\U000e0041\U000e007f\u00ad\u3164",
    "<img src=//e.x/t.png onerror=alert(1)>",
    "![x](//e.x/t.png) [l](javascript:alert(1)) <//e.x>",
    "\n# Approved @org/owners\n\n---\n> quote\n",
    "| a | b |\n|---|---|\\| `x` | @team `` ` ``",
    "https://e.x/a www.e.x me@e.x mailto:me@e.x",
    "</script><script>alert(1)</script>",
    '"]\n```\nclick n0 "javascript:alert(1)"',
    "{{ 7 * 7 }}{% for x in y %}",
    "../../../../etc/passwd",
    "/dev/zero",
    "a" * 300,
    "x/" * 60 + "y",
    "0" * 64,
    "é" * 130,
    "[bold]x[/] [/]",
    "%0A::error::x%s%d{}",
    "NaN",
    "v2",
    "model",
    "keras",
    "9999999-12-31T23:59:59Z",
    "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
)
"""Texts that mean harm to somebody who shows them, or that name odd places."""

NUMBERS = (0, -1, 1, 2, 10**18, 2**63, 2**64, 10**30, 10**400, -(2**70), 0.5, 1e308, 1e-320)
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], {"": ""}, [None], {"a": [1, "b"]})

VALUES = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(NUMBERS),
    st.sampled_from(OTHERS),
    st.text(max_size=12),
)
KINDS = ("replace", "delete", "repeat", "rename", "add", "nest", "lengthen", "insert", "swap")
CHANGES = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 1 << 20), VALUES), min_size=1, max_size=4
)
BYTES = st.lists(
    st.tuples(
        st.sampled_from(("flip", "cut", "insert", "repeat", "end")),
        st.integers(0, 1 << 20),
        st.one_of(st.binary(max_size=4), st.sampled_from([t.encode() for t in TEXTS])),
    ),
    min_size=1,
    max_size=3,
)

Change = tuple[str, int, Any]


def changed(data: Any, changes: Sequence[Change]) -> Any:
    """Return plain data with some changes."""
    root = [copy.deepcopy(data)]
    for kind, number, value in changes:
        places = list(_places(root))
        holder, key = places[number % len(places)]
        _change(holder, key, kind, number, copy.deepcopy(value))
    return root[0]


def _places(root: Any) -> Iterator[tuple[Any, Any]]:
    pending = [root]
    while pending:
        holder = pending.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            yield holder, key
            if isinstance(holder[key], (dict, list)):
                pending.append(holder[key])


def _change(holder: Any, key: Any, kind: str, number: int, value: Any) -> None:
    old = holder[key]
    if kind == "delete" and isinstance(holder, dict):
        del holder[key]
    elif kind == "repeat" and isinstance(holder, list):
        holder.append(copy.deepcopy(old))
    elif kind == "rename" and isinstance(holder, dict):
        holder[str(value)] = holder.pop(key)
    elif kind == "add" and isinstance(old, dict):
        old[str(value)] = value
    elif kind == "add" and isinstance(old, list):
        old.append(value)
    elif kind == "nest":
        for _ in range(number % 80):
            old = [old]
        holder[key] = old
    elif kind == "lengthen" and isinstance(old, str):
        holder[key] = old + str(value) * (number % 3000)
    elif kind == "insert" and isinstance(old, str):
        at = number % (len(old) + 1)
        holder[key] = old[:at] + str(value) + old[at:]
    elif kind == "swap" and isinstance(holder, dict):
        other = list(holder)[number % len(holder)]
        holder[key], holder[other] = holder[other], old
    else:
        holder[key] = value


def damaged(raw: bytes, changes: Sequence[Change]) -> bytes:
    """Return bytes with some damage."""
    for kind, number, value in changes:
        at = number % (len(raw) + 1)
        if kind == "flip" and raw:
            at %= len(raw)
            raw = raw[:at] + bytes([raw[at] ^ (1 << number % 8)]) + raw[at + 1 :]
        elif kind == "cut":
            raw = raw[:at] + raw[at + len(value) * 4 :]
        elif kind == "repeat":
            raw = raw[:at] + raw[at : at + 200] * 2 + raw[at + 200 :]
        elif kind == "end":
            raw = raw[:at]
        else:
            raw = raw[:at] + value + raw[at:]
    return raw


def text_of(data: Any) -> bytes:
    """Return JSON, which YAML takes, too; every character in it is ASCII."""
    return json.dumps(data).encode()
