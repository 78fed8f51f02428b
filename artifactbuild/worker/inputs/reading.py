"""What a build reads, from the import of the project's code until the last format is written."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.release import distributions
from artifactbuild.worker import confining
from artifactbuild.worker.confine import OF_SCRATCH
from artifactbuild.worker.inputs import asked
from artifactbuild.worker.inputs.asked import Asked
from artifactbuild.worker.inputs.events import Events
from artifactbuild.worker.inputs.ledger import Reads
from artifactbuild.worker.inputs.observer import Observer
from artifactbuild.worker.settings import is_fixed

UNSEEN = (
    "this machine does not report what a factory reads: what its C++ or a child process reads, and "
    "whether a file is there, is no input"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a build read: files and names, variables, and distributions by version."""

    reads: Reads
    variables: Mapping[str, str]
    distributions: Mapping[str, str]


class Reading:
    """Notes what this process and all that it starts read under a project."""

    def __init__(
        self, project: Path, folder: Path, ignored: tuple[str, ...], observer: Observer | None
    ) -> None:
        own = (*ignored, sys.prefix, sys.base_prefix, sys.exec_prefix)
        self._project, self._folder = project, folder
        self._named: list[str] = []
        self._environ = dict(os.environ)
        self.sees_all = observer is not None and observer.begin(str(project), own)
        self._asked = Asked(project, [Path(path) for path in own])
        self._notes: Observer | Events
        if observer is not None and self.sees_all:
            self._notes = observer
            confining.let_copies_be_written()
        else:
            self._notes = Events(str(project), own, self._asked)

    def add(self, path: Path) -> None:
        """Name a file that is read in any case."""
        self._named.append(str(path))

    def finish(self) -> Found:
        """Return what was read."""
        sought = self._asked.missing([self._folder, self._project])
        listed = self._asked.listed
        reads = self._notes.reads(str(self._folder), self._named, sought, listed)
        variables = {
            name: kept
            for name, kept in self._asked.read(self._environ).items()
            if not is_fixed(name) and name not in OF_SCRATCH
        }
        return Found(reads=reads, variables=variables, distributions=self._distributions(reads))

    def _distributions(self, reads: Reads) -> dict[str, str]:
        files = [self._folder / name for name in reads.sources if name.endswith(".py")]
        tops = {name.partition(".")[0] for name in self._asked.modules}
        modules = {name for name in tops | asked.imported(files) if not self._is_of_project(name)}
        there = {
            name for name in modules if name in sys.modules or distributions.is_installed(name)
        }
        missing = dict.fromkeys(sorted(modules - there), distributions.MISSING)
        return {**distributions.versions(there), **missing}

    def _is_of_project(self, module: str) -> bool:
        found = sys.modules.get(module)
        places = [getattr(found, "__file__", None), *getattr(found, "__path__", ())]
        return any(place and self._asked.is_project_file(place) for place in places)
