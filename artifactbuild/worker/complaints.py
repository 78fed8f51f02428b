"""What the programs of a job printed of files that they could not write.

A child process of a factory is refused by the kernel, which tells the child alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from artifactbuild.worker import confine, refused
from artifactbuild.worker.confinement import Confinement
from artifactbuild.worker.confining import CURE, started_at

_MOST = 5
"""How many files are named."""


def found(
    confinement: Confinement,
    started: Sequence[tuple[str, str]],
    report: Mapping[str, Any],
    log: Path,
    warned: Iterable[str] = (),
) -> Iterator[str]:
    """Yield a warning for each file that a program says it could not write, each once.

    What was `warned` of already is left out.
    """
    protected = confine.outermost(confinement.protected)
    spared = [os.path.realpath(path) for path in confinement.writable]

    def is_held(path: str) -> bool:
        return path not in spared and any(confine.is_within(path, each) for each in protected)

    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    findings = (str(each["message"]) for each in report.get("findings") or ())
    told = " ".join([*findings, *warned])
    lines: dict[str, str] = {}
    for line, path in refused.complaints(text, confinement.folder, is_held):
        lines.setdefault(path, line)
    for path, line in list(lines.items())[:_MOST]:
        name = os.path.relpath(path, confinement.project)
        if name not in told:
            place = started_at(path, started)
            before = f"{place}: " if place else ""
            yield f"{before}{line}: the project is read-only: {CURE}"
