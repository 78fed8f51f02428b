"""A fault: one reason not to trust an artifact, found by `verify`."""

from __future__ import annotations

from dataclasses import dataclass

from artifactbuild.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One reason not to trust an artifact.

    `kind` is the word that programs go by; `file` a POSIX path inside the artifact, empty for the
    folder itself; `at` the place inside that file.
    """

    kind: str
    file: str
    message: str
    at: str = ""
    hint: str = ""

    def problem(self, folder: str) -> Problem:
        """Locate the fault for people; `folder` is the artifact's, as they know it."""
        file = f"{folder}/{self.file}" if self.file else folder
        at = f"{self.at}: " if self.at else ""
        return Problem(file=file, message=f"{at}{self.message} [{self.kind}]", hint=self.hint)
