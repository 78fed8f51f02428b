"""What no output may hold, judged without code of ours: control characters, commands, markup."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

_STEERS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BLANK = frozenset("\u00a0\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_OURS = re.compile(r"::(error|notice) file=[^:,\s][^:,]*(,line=\d+)?(,col=\d+)?::")
_MENTION = re.compile(r"(?<![\w`/.])@[A-Za-z0-9]")
_OWN_HTML = re.compile(r"</?(details|summary|sub)>")


def unseen(text: str, keep: str = "\n") -> list[str]:
    """Return the characters that steer a text instead of showing in it."""
    return [f"holds U+{ord(c):04X}" for c in sorted(set(text) - set(keep)) if _steers(c)]


def faults(text: str) -> list[str]:
    """Return what steers a terminal or a CI log."""
    found = unseen(text)
    for line in text.split("\n"):
        if line.strip().startswith("::") and not _OURS.match(line):
            found.append(f"a line is a command: {line[:80]!r}")
        if re.search(r"##[A-Za-z]*\[", line):
            found.append(f"a line holds a command: {line[:80]!r}")
    return found


def _steers(char: str) -> bool:
    return unicodedata.category(char) in _STEERS or char in _BLANK


def markdown_faults(text: str, headings: frozenset[str] | None = None) -> list[str]:
    """Return the markup of a Markdown text that is none of ours."""
    found = []
    front = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(front)
    for token in _all(tokens):
        if token.type in ("link_open", "image", "s_open", "em_open", "blockquote_open"):
            found.append(f"{token.type} in {token.map}")
        if token.type in ("html_inline", "html_block"):
            left = _OWN_HTML.sub("", token.content)
            found += [f"HTML {left[:80]!r}"] if "<" in left else []
        if token.type == "text":
            found += [f"mention {token.content[:80]!r}"] if _MENTION.search(token.content) else []
            linked = re.search(r"https?://|www\.", token.content)
            found += [f"link by itself {token.content[:80]!r}"] if linked else []
    for before, inner in pairwise(tokens):
        if before.type == "heading_open" and headings is not None:
            found += [] if inner.content in headings else [f"heading {inner.content[:80]!r}"]
    return found


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("img", "iframe", "object", "embed", "base"):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.found.append(f"<{tag} {name}={value!r}>")
            if (
                name in ("href", "src")
                and value != "data:,"
                and re.match(r"(?i)[a-z][a-z0-9+.-]*:|//", value or "")
            ):
                self.found.append(f"<{tag} {name}={value!r}>")


def page_faults(folder: Path, *, parse: bool = True) -> list[str]:
    """Return what the pages of a site hold that is not ours."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            text = path.read_bytes().decode("utf-8")
            found += unseen(text, "\n\t") if path.suffix == ".html" else []
            page = _Page()
            page.feed(text if parse else "")
            found += [f"{path.name}: {each}" for each in page.found]
    return found
