"""Text of records, in which every character can be seen."""

from __future__ import annotations


def visible(text: str) -> str:
    """Return a text with what cannot be seen (control and direction marks) spelt out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)
