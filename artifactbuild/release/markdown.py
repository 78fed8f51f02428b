"""The gate to Markdown: values as text, as code and as fenced blocks, in which no markup is theirs.

What GitHub would make a link or a mention of by itself is set as code: it stays readable and can be
copied, and leads nowhere. Every character can be seen.
"""

from __future__ import annotations

import json
import re
from typing import Any

from artifactbuild.visible import cut, visible

LONGEST = 20_000
"""How many characters of a value are shown."""

LONGEST_BLOCK = 200_000
"""How many characters of a fenced block are shown."""

_SPECIAL = re.compile(r"[\\`*\[\]<>|~$&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_BLOCK_START = re.compile(r"^(?:([-+#=>]+)(?=\s|$)|(\d+)([.)])(?=\s|$)|(:)(?=:))")
_LINKED = re.compile(r"://|\bwww\.|\b(?:mailto|xmpp):|@\w", re.IGNORECASE)
_AROUND = "()[]{}<>\"'.,;:!?*_~`|\\"
"""What may stand around a link and is none of it."""


class Verbatim(str):
    """Text that is Markdown already."""

    __slots__ = ()


def text(value: Any) -> str:
    """Return any value as Markdown that shows just that value."""
    if isinstance(value, Verbatim):
        return value
    words = (_word(word) for word in _one_line(value).split(" "))
    return _BLOCK_START.sub(_harmless, " ".join(words))


def code(value: Any) -> Verbatim:
    """Return a value as inline code, in as many backticks as it takes."""
    shown = _one_line(value)
    if not shown:
        return Verbatim("")
    ticks = "`" * (_longest_run(shown) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    # Readers of tables disagree on a backslash before an escaped pipe: a space parts them.
    shown = shown.replace("\\|", "\\ |").replace("|", r"\|")
    return Verbatim(f"{ticks}{space}{shown}{space}{ticks}")


def fence(value: str, language: str = "") -> Verbatim:
    """Return a text as a fenced block, in as many backticks as it takes."""
    shown = visible(cut(str(value), LONGEST_BLOCK), "\n\t").rstrip()
    ticks = "`" * max(3, _longest_run(shown) + 1)
    return Verbatim(f"{ticks}{_one_line(language)}\n{shown}\n{ticks}")


def plain(value: Any) -> str:
    """Return a value of a record as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)) and all(isinstance(item, (str, int)) for item in value):
        return ", ".join(map(str, value))
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def _word(word: str) -> str:
    """Return a word with its markup escaped; as code where it would become a link or a mention."""
    if not _LINKED.search(word):
        return _SPECIAL.sub(r"\\\g<0>", word)
    core = word.strip(_AROUND)
    start = word.find(core)
    before, after = word[:start], word[start + len(core) :]
    if core and _LINKED.search(before + after) is None:
        return _SPECIAL.sub(r"\\\g<0>", before) + code(core) + _SPECIAL.sub(r"\\\g<0>", after)
    return code(word)


def _harmless(start: re.Match[str]) -> str:
    """Escape what would begin a heading, a list, a rule or a command at the start of a line."""
    marks, number, point, colon = start.groups()
    return f"\\{marks or colon}" if marks or colon else f"{number}\\{point}"


def _one_line(value: Any) -> str:
    return visible(cut(" ".join(plain(value).split()), LONGEST))


def _longest_run(shown: str) -> int:
    return max((len(run) for run in re.findall("`+", shown)), default=0)
