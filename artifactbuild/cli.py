"""Arguments to verb to exit code: the only place that exits or turns an exception into text.

Exit 0: good; 1: expected failure (a problem, a failed check, drift); 2: usage; 3: a bug of ours;
128 and the signal's number: interrupted (130 by Ctrl-C, 143 by SIGTERM, 129 by a closed terminal).
"""

from __future__ import annotations

import errno
import gc
import importlib
import io
import itertools
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import click

from artifactbuild import screen
from artifactbuild.problems import Problem, Refusal, WorkerLost, summary
from artifactbuild.unchanged import Looked

VERBS = (
    "attest",
    "build",
    "bump",
    "card",
    "check",
    "diff",
    "init",
    "plan",
    "relock",
    "reproduce",
    "schema",
    "show",
    "site",
    "verify",
)

GOOD, EXPECTED, USAGE, BUG, INTERRUPTED = 0, 1, 2, 3, 128

_HEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OF_THE_MACHINE = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE),
        *(errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR),
    }
)
"""Errors that the machine, its administrator or a strange name causes, never we."""


class Verbs(click.Group):
    """The verbs, each imported only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the verbs."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a verb."""
        del ctx
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"artifactbuild.commands.{name}").command
        return command


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="artifactbuild", message="artifactbuild %(version)s")
def verbs() -> None:
    """Build proven TensorFlow and Keras model artifacts from committed manifests.

    Each verb takes manifests, folders (searched for model.artifact.yaml) or nothing (the current
    folder).
    """


def main(looked: Looked | None = None) -> None:
    """Run the command line and exit; `looked` is what `entry` saw of its arguments."""
    code = run(sys.argv[1:], looked)
    gc.freeze()  # else the interpreter takes an eighth of a short command to collect what dies now
    sys.exit(code)


def run(arguments: Sequence[str], looked: Looked | None = None) -> int:
    """Run one command and return its exit code."""
    with _signals() as heard:
        try:
            code = _told(arguments, looked)
        except (KeyboardInterrupt, OSError):  # a second signal, or nobody to tell the first to
            if not heard:
                raise
    if not heard:
        return code
    with suppress(OSError):
        screen.note(f"interrupted by {signal.Signals(heard[0]).name}")
    return INTERRUPTED + heard[0]


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Unwind in good order on each signal that asks us to end, unless our caller ignores it.

    Gives the list of those that came.
    """
    heard: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        del frame
        heard.append(number)
        raise KeyboardInterrupt

    ours = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in _HEEDED if ours}
    taken = {number: old for number, old in before.items() if old is not signal.SIG_IGN}
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield heard
    finally:
        for number, old in taken.items():
            signal.signal(number, old)


def _told(arguments: Sequence[str], looked: Looked | None) -> int:
    try:
        return _run(arguments, looked)
    except Refusal as refusal:
        _say_refusal(refusal, arguments)
        return EXPECTED
    except click.ClickException as error:
        _say_usage(error)
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED + signal.SIGINT
    except WorkerLost as lost:
        _say_bug(f"{lost.cause.rstrip()}\nlog: {lost.log}")
        return BUG
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            _say_bug(_trace())
            return BUG
        problem = Problem(file=_file_of(error), message=os.strerror(error.errno).lower())
        _say_refusal(Refusal(problem), arguments)
        return EXPECTED
    except Exception:  # noqa: BLE001, the boundary
        _say_bug(_trace())
        return BUG


def _file_of(error: OSError) -> str:
    """Return the file that an error of the system names; it may be bytes, or a descriptor."""
    name = error.filename
    return os.fsdecode(name) if isinstance(name, (str, bytes)) else "."


def _run(arguments: Sequence[str], looked: Looked | None) -> int:
    words = list(arguments)
    if any("\0" in word for word in words):
        raise click.UsageError("an argument holds a NUL, which no name and no path can")
    try:
        return verbs.main(words, "artifactbuild", standalone_mode=False, obj=looked) or GOOD
    except click.exceptions.Exit as ended:
        return ended.exit_code


def _say_refusal(refusal: Refusal, arguments: Sequence[str]) -> None:
    if "--json" in arguments:
        screen.answer({"problems": refusal.problems, "kept": refusal.kept or None})
        return
    if _is_for_github(arguments):
        screen.annotate(refusal.problems)
        return
    screen.report(refusal.problems)
    if refusal.kept:
        screen.note(f"kept for a look: {refusal.kept}")
    screen.note(summary(refusal.problems))


def _is_for_github(arguments: Sequence[str]) -> bool:
    """Tell whether annotations are asked for: of usage, nothing is known but the arguments."""
    pairs = itertools.pairwise(arguments)
    return f"--format={screen.GITHUB}" in arguments or ("--format", screen.GITHUB) in pairs


def _trace() -> str:
    import traceback  # not for those who need none

    return traceback.format_exc()


def _say_usage(error: click.ClickException) -> None:
    """Say what click found wrong with the arguments, which may be names of files."""
    said = io.StringIO()
    error.show(said)
    screen.note(*said.getvalue().removesuffix("\n").split("\n"))


def _say_bug(text: str) -> None:
    screen.note(*text.rstrip().splitlines())
    screen.note("this is a bug of artifactbuild, not a mistake of yours: please report it")
