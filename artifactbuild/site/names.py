"""File names of pages, made from names that anybody may have chosen."""

from __future__ import annotations

import hashlib
import re

_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,99}")
_OTHER = re.compile(r"[^a-z0-9_-]+")
_TAKEN = frozenset({"index", "index.html"})
_KEPT, _DIGITS = 40, 16


def slug(name: str) -> str:
    """Return a file name for a name: itself where it is plain, else its letters and a digest.

    No plain name has the `~` before the digest, so two names never share a file, not even where
    the file system takes upper case for lower.
    """
    if _PLAIN.fullmatch(name) and name not in _TAKEN:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    letters = _OTHER.sub("-", name.lower())[:_KEPT].strip("-")
    return f"{letters}~{digest[:_DIGITS]}"


def page_of(model: str, version: str | None = None) -> str:
    """Return the path of a model's page, or of the page of one of its older versions."""
    return f"{slug(model)}/{slug(version) if version else 'index'}.html"
