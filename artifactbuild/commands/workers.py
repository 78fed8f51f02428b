"""The process that workers come from, as a build wishes it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from artifactbuild.commands.survey import Survey

if TYPE_CHECKING:
    from artifactbuild.worker.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How many workers may run at once, how long each may take, whether to stop at a failure.

    To `repair` is to replace what is damaged, to `accept_different` to publish another payload than
    the released one.
    """

    jobs: int | None
    timeout: float | None
    fail_fast: bool
    repair: bool = False
    accept_different: bool = False


def server(wish: Wish) -> Server:
    """Return the server, which starts its process when it is told to, or on first use."""
    from artifactbuild import screen
    from artifactbuild.worker.room import of_machine
    from artifactbuild.worker.server import Server

    return Server(timeout=wish.timeout, room=of_machine(wish.jobs), warn=screen.warning)


def are_wanted(found: Survey) -> bool:
    """Tell whether something will be built, before manifests are read.

    Where there are no artifacts at all, there is nothing to keep: what is not refused is built.
    """
    return not any(map(os.path.isdir, found.indexes))
