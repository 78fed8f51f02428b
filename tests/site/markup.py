"""Pages taken apart, to see that they are whole: tags, ids, links, attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"link", "meta", "input", "img", "br", "hr", "wbr"})
DRAWN = frozenset({"path", "rect", "line", "circle"})
"""Elements of SVG that close themselves."""


@dataclass
class Markup:
    """What a page is made of."""

    tags: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""
    faults: list[str] = field(default_factory=list)

    def values(self, tag: str, attribute: str) -> list[str]:
        return [value for t, a, value in self.attributes if (t, a) == (tag, attribute)]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = Markup()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.tags.append(tag)
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.found.faults.append(f"<{tag}> has an attribute twice: {names}")
        for name, value in attrs:
            self.found.attributes.append((tag, name, value or ""))
            if name == "id":
                self.found.ids.append(value or "")
            if name in ("href", "src"):
                self.found.links.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in DRAWN:
            self.found.faults.append(f"<{tag}/> does not close itself in HTML")
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.found.faults.append(f"</{tag}> closes nothing at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.found.text += data


def parse(page: bytes) -> Markup:
    parser = _Parser()
    parser.feed(page.decode("utf-8"))
    parser.close()
    if parser.open:
        parser.found.faults.append(f"not closed: {parser.open}")
    return parser.found
