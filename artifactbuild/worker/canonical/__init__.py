"""The same bytes every time: files rewritten without clocks, ids, counters and machines.

`archive` is for `.keras`, `opgraph` for ONNX, `savedmodel` for SavedModel folders. Each is a row of
small steps; none guesses: on a structure that it does not know it raises `Unknown`.
"""

from __future__ import annotations


class Unknown(Exception):
    """A file has a structure that its canonical form is not known for; the message names it."""
