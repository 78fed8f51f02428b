"""Custom gradients, as of swish: the operation, its gradient function and the library agree.

An operation names its gradient as `CustomGradient-123`; the library says which function that is.
With one of the two renumbered alone, nothing could load the model any more.
"""

from __future__ import annotations

import re

from artifactbuild.worker.canonical import Unknown
from artifactbuild.worker.canonical.savedmodel.saved import (
    GRADIENT,
    Saved,
    copies,
    nodes,
    registered,
)

_COUNTED = re.compile(r"(?P<kind>\w+)-\d+")


def renumber(saved: Saved) -> None:
    """Number gradients by the first operation that has each, and list them in that order."""
    names: dict[str, str] = {}
    for node in nodes(saved):
        if GRADIENT in node.attr:
            old = node.attr[GRADIENT].s.decode()
            new = names.setdefault(old, _renamed(old, len(names)))
            node.attr[GRADIENT].s = new.encode()
    listed = copies(registered(saved))
    for each in listed:
        if each.registered_op_type not in names:
            raise Unknown(f"the gradient {each.registered_op_type!r}, which no operation has")
        each.registered_op_type = names[each.registered_op_type]
    place = {name: index for index, name in enumerate(names.values())}
    listed.sort(key=lambda each: place[each.registered_op_type])
    del registered(saved)[:]
    registered(saved).extend(listed)


def _renamed(name: str, index: int) -> str:
    counted = _COUNTED.fullmatch(name)
    if counted is None:
        raise Unknown(f"the gradient {name!r}, whose name has no number at its end")
    return f"{counted['kind']}-{index}"
