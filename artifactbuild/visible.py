"""Text in which every character can be seen, and which steers neither terminal nor log.

Names, values and messages may come from a lock, a record, a folder or a library: nobody here chose
them. Imports nothing, so that the fast path can use it.
"""

from __future__ import annotations

LONGEST = 4_000
"""How many characters of one line are shown."""

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Characters that Python takes for printable, and that show nothing (Default_Ignorable)."""

_STYLES = "\ufe0e\ufe0f"
"""Text or emoji style: honest after a symbol, and nowhere else."""

_KEYS = frozenset("0123456789#*")
"""What becomes a key of a telephone in emoji style."""

_WORD = "#abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def visible(text: str, keep: str = "") -> str:
    r"""Return a text with what cannot be seen spelt out, but for the characters to keep.

    Control characters, line ends, marks of direction, characters of no width and halves of
    characters become escapes: `\x1b`, `\u202e`.
    """
    if text.isprintable() and (text.isascii() or not _hides(text)):
        return text
    shown, before = [], ""
    for char in text:
        plain = char in keep or (char.isprintable() and _shows(char, before))
        shown.append(char if plain else ascii(char)[1:-1])
        before = char
    return "".join(shown)


def cut(text: str, most: int = LONGEST) -> str:
    """Return a text, or the start of a long one with its length."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def line(text: str, most: int = LONGEST) -> str:
    """Return one line of a terminal or a log: visible, cut, and no command of a CI system."""
    return disarmed(visible(cut(text, most)))


def disarmed(text: str) -> str:
    r"""Return a line that no CI system takes for a command.

    GitHub's runner obeys `::name::` at the start of a line, behind spaces too, and `##[name]`
    anywhere in it; Azure Pipelines and TeamCity obey `##vso[...]` and `##teamcity[...]`.
    """
    if "::" in text and (rest := text.lstrip()).startswith("::"):
        text = f"{text[: len(text) - len(rest)]}\\x3a{rest[1:]}"
    return without_marks(text, "#\\x23")


def without_marks(text: str, instead: str) -> str:
    """Return a text with another spelling of `##` where `##[` or `##word[` would be a command."""
    if "##" not in text:
        return text
    first, *others = text.split("##")
    armed = (piece.lstrip(_WORD).startswith("[") for piece in others)
    marks = (instead if each else "##" for each in armed)
    return first + "".join(mark + piece for mark, piece in zip(marks, others, strict=True))


def document(text: str) -> str:
    """Return a text of several lines that are meant as such, each of them safe to show."""
    if text.isascii() and "::" not in text and "##" not in text:
        plain = text.replace("\n", "")
        if plain.isprintable():
            return text
    return "\n".join(disarmed(visible(each, "\t")) for each in text.split("\n"))


def _hides(text: str) -> bool:
    return any(not _shows(char, " ") for char in text)


def _shows(char: str, before: str) -> bool:
    """Tell whether a printable character shows; a style counts after a symbol alone."""
    if char in _STYLES:
        symbol = before in _KEYS if before.isascii() else before.isprintable()
        return bool(before) and symbol and before not in _BLANK and not _is_selector(before)
    return char not in _BLANK and not _is_selector(char)


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
