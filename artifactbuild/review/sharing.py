"""What a disagreement may share with those of other manifests, so that it is told once for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from artifactbuild import acceptance
from artifactbuild.causes import MANIFESTS
from artifactbuild.job import Job
from artifactbuild.review.kinds import BUMP, KINDS, RELOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The causes of a disagreement, and how it is told of all manifests that have them.

    `version` is the model's with its version, `manifest` its file, `file` where the cause lies if
    it is not in a manifest. `one` and `many` are sentences with a place for causes, and `many` for
    the number of versions; `command` has one for manifests. `or_else` is the command for those
    whose model is another one by now.
    """

    version: str
    manifest: str
    file: str
    causes: tuple[str, ...]
    one: str
    many: str
    command: str
    or_else: str = ""


def shared(work: Job, name: str, sentence: str, causes: Sequence[str], file: str) -> Shared:
    """Return what a disagreement of a kind may share."""
    kind = KINDS[name]
    command, or_else = _of_all(kind.repair), ""
    if kind.relock and acceptance.is_open(work):
        command, or_else = _of_all(RELOCK), _of_all(BUMP)
    return Shared(
        version=f"{work.name} {work.version}",
        manifest=work.loaded.document.file,
        file=file,
        causes=tuple(causes),
        one=sentence.replace("; ".join(causes), "{what}"),
        many=kind.many,
        command=command,
        or_else=or_else,
    )


def _of_all(command: str) -> str:
    return command.replace("{manifest}", MANIFESTS)
