"""The digest of a Python source, over text in which an edit that changes no code does not show.

Universal newlines; no comments, no blank lines, no white space at the end of a line, except in
strings. Docstrings, indentation and the encoding cookie stay; a byte order mark does not count.

The text is read by a scanner of our own, not by `tokenize`: that reads an f-string as one token
before Python 3.12 and as several since, and a digest must be the same on every Python. An f-string
is kept as it is, with all that is in it. Where the scanner is not sure, the bytes of the source
count: that may report an edit that changes nothing, and never hides one that does.
"""

from __future__ import annotations

import codecs
import hashlib
import re

from artifactbuild.release.python_strings import (
    Unclear,
    after_backslash,
    after_string,
    end_of_line,
)

SUFFIX = ".py"
"""How the name of a Python source ends."""

MAX_BYTES = 1 << 24
"""How large a source may be; of a larger one, the bytes count."""

_BLANK = " \t\f"
_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-_.A-Za-z0-9]+)")
_NO_CODE = re.compile(rb"[ \t\f]*(#.*)?")
_UTF_8, _LATIN_1, _ASCII = "utf-8", "iso-8859-1", "ascii"
_NAMES = {
    _UTF_8: _UTF_8,
    **dict.fromkeys((_LATIN_1, "latin-1", "iso-latin-1"), _LATIN_1),
}
"""Names that Python knows with an ending, too, such as that of Emacs in `utf-8-unix`."""

_OTHER_NAMES = {"utf8": _UTF_8, "latin1": _LATIN_1, "ascii": _ASCII, "us-ascii": _ASCII}

_NEXT = re.compile(r"[\n\\#'\"]")


def digest(content: bytes) -> str | None:
    """Return the sha256 of a source's normalized text; None where its bytes must count."""
    try:
        return hashlib.sha256(normalized(content).encode()).hexdigest()
    except Unclear:
        return None


def normalized(content: bytes) -> str:
    """Return the text of a source without what cannot change its code.

    Raises:
        Unclear: when its bytes must count.
    """
    if len(content) > MAX_BYTES or b"\0" in content:
        raise Unclear("is too large, or holds a NUL")
    marked = content.startswith(codecs.BOM_UTF8)
    raw = content[len(codecs.BOM_UTF8) :] if marked else content
    raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    encoding, line = _encoding(raw, marked=marked)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unclear("is not in its encoding") from error
    cookie = text.index("\n") + 1 if line == 1 else line
    return "".join(f"{row}\n" for row in _rows(text, cookie))


def _encoding(raw: bytes, *, marked: bool) -> tuple[str, int]:
    """Return the encoding, and the number of the line that names it, -1 where none does."""
    for number, line in enumerate(raw.split(b"\n", 2)[:2]):
        found = _COOKIE.match(line)
        if found:
            return _encoding_named(found[1].decode(), marked=marked), number
        if not _NO_CODE.fullmatch(line):
            break
    return _UTF_8, -1


def _encoding_named(name: str, *, marked: bool) -> str:
    """Return one of the encodings in which a byte below 128 is always that character of ASCII."""
    short = name[:12].lower().replace("_", "-")  # as Python does
    for known, encoding in _NAMES.items():
        if f"{short}-".startswith(f"{known}-") and (encoding == _UTF_8 or not marked):
            return encoding
    if name.lower() in _OTHER_NAMES and not marked:
        return _OTHER_NAMES[name.lower()]
    raise Unclear(f"is in the encoding {name!r}")


def _rows(text: str, cookie: int) -> list[str]:
    """Return the lines that count, those that a string spans as one; `cookie` starts one of them.

    The line after a backslash is never left out: if it is blank, it ends the statement.
    """
    rows: list[str] = []
    start = at = 0
    joined = False
    while found := _NEXT.search(text, at):
        sign, place = found[0], found.start()
        if sign in "'\"":
            at = after_string(text, place)
            continue
        if sign == "\\":
            at = after_backslash(text, place)
            rows.append(text[start : at - 1])
        else:
            end = place if sign == "\n" else end_of_line(text, place)
            _add(rows, text[start : end if start == cookie else place], joined=joined)
            at = end + 1
        start, joined = at, sign == "\\"
    _add(rows, text[start:], joined=joined)
    return rows


def _add(rows: list[str], code: str, *, joined: bool) -> None:
    """Add a line without the white space at its end, which is never in a string."""
    row = code.rstrip(_BLANK)
    if row or joined:
        rows.append(row)
