"""The door: what a verb said is said again at once while nothing has changed; else `cli` runs it.

A hook runs `check` on every commit, and CI `build` on every push: to parse arguments alone would
take longer than to see that nothing changed.
"""

from __future__ import annotations

import gc
import os
import sys

from artifactbuild import searching, supported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from artifactbuild.unchanged import Looked


def main() -> None:
    """Run the command line and exit."""
    # What lies in the current folder must not stand in for Python's modules or our libraries.
    # So nothing else may be imported before: see the imports of this module.
    sys.path[:] = searching.without_here(sys.path)
    _hold_platform()
    gc.set_threshold(200_000)  # most commands are over before a collection pays
    arguments = sys.argv[1:]
    looked = None
    if _is_plain(arguments):
        looked = _looked(arguments[1:])
        text = _said(looked, *arguments)
        if text is not None and _written(text):
            gc.freeze()  # else the interpreter collects at its end what dies now
            sys.exit(0)
    from artifactbuild import cli

    cli.main(looked)


def _hold_platform() -> None:
    """Exit with 2 where this cannot run: most of our modules cannot even be imported there."""
    refused = supported.refused()
    if refused is not None:
        place, message, hint = refused
        sys.stderr.write(f"{place}: {message}\n    {hint}\n")
        sys.exit(2)


def _is_plain(arguments: Sequence[str]) -> bool:
    """Tell whether it is a verb that can be answered here, with paths alone."""
    from artifactbuild.index.entries import VERBS

    if not arguments or arguments[0] not in VERBS:
        return False
    settings = ("ARTIFACTBUILD_ARTIFACTS", "_ARTIFACTBUILD_COMPLETE")
    options = any(argument.startswith("-") for argument in arguments)
    return not options and not any(name in os.environ for name in settings)


def _looked(paths: Sequence[str]) -> Looked | None:
    """Look at what is asked about; whatever is wrong there, `cli` will find again and tell."""
    from artifactbuild import unchanged

    try:
        return unchanged.look(paths, None)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:  # noqa: BLE001, a refusal, or an error that `cli` tells
        return None


def _said(looked: Looked | None, verb: str, *paths: str) -> str | None:
    """Return what the verb said last time, while nothing has changed."""
    from artifactbuild import unchanged

    return unchanged.said(looked, verb, paths) if looked is not None else None


def _written(text: str) -> bool:
    """Write to standard output; False where that fails, which `cli` tells better."""
    from artifactbuild import visible

    try:
        sys.stdout.write(visible.document(text))
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True
