"""The conditions that a rebuild must not notice: how each changes the command or its place."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

BASE = "{base}"
"""Stands for the folder that is laid out for a rebuild, in values of the environment."""

NOBODY = 65534
CHECKOUT, ELSEWHERE = "project", "elsewhere"
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

ANOTHER_USER = (
    ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if ROOT
    else ("unshare", "--user", "--map-root-user")
)

OTHERS_FIRST = """\
import os
import sys

forks = []


def make_others():
    if len(forks) == 1 and "tensorflow" in sys.modules:
        from artifactbuild.worker import neighbours

        neighbours.make()


os.register_at_fork(before=lambda: forks.append(None), after_in_child=make_others)
"""
"""A `sitecustomize` for the rebuild's Python: the first worker, the builder, makes other models
before its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One way to build that must make no difference.

    `wraps` are put before the command; `environment` is added to the environment; `checkout` and
    `cwd` are where the copy lies and where the command is started, inside the folder laid out;
    `mount` shows that folder through another filesystem; `owner` is who owns it; `modules` are
    Python modules by name that come first on the path; `locale` must be installed.
    """

    name: str
    summary: str
    wraps: tuple[tuple[str, ...], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    checkout: str = CHECKOUT
    cwd: str = ""
    mount: tuple[str, ...] = ()
    owner: int | None = None
    modules: Mapping[str, str] = field(default_factory=dict)
    locale: str = ""


def _cores(count: int) -> tuple[str, ...]:
    """Return the command that keeps another on so many of this process's cores."""
    ours = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    cores = ours[:count] if len(ours) >= count else range(count)
    return ("taskset", "-c", ",".join(map(str, cores)))


PLAIN = Condition(name="process", summary="another process")

VARIATIONS = (
    PLAIN,
    Condition(
        name="models",
        summary="other models made before in the same process",
        modules={"sitecustomize": OTHERS_FIRST},
    ),
    Condition(name="folder", summary="another working directory", cwd=ELSEWHERE),
    Condition(
        name="path",
        summary="a checkout path of another length",
        checkout="a-checkout-with-a-much-longer-name/and/far/deeper/than/the/others/project",
    ),
    Condition(
        name="clock",
        summary="another clock and time zone",
        wraps=(("faketime", "-f", "+1234d"),),
        environment={"TZ": "Pacific/Apia"},
    ),
    Condition(
        name="hash-seed",
        summary="another hash seed of Python",
        environment={"PYTHONHASHSEED": "4242"},
    ),
    Condition(
        name="umask", summary="umask 077", wraps=(("sh", "-c", 'umask 077 && exec "$@"', "umask"),)
    ),
    Condition(name="home", summary="another home", environment={"HOME": f"{BASE}/{ELSEWHERE}"}),
    Condition(
        name="locale",
        summary="the locale tr_TR",
        environment={"LANG": "tr_TR", "LC_ALL": "tr_TR", "LANGUAGE": "tr"},
        locale="tr_TR",
    ),
    Condition(
        name="user",
        summary="another user",
        wraps=(ANOTHER_USER,),
        environment={"HOME": f"{BASE}/{ELSEWHERE}", "USER": "nobody", "LOGNAME": "nobody"},
        owner=NOBODY if ROOT else None,
    ),
    Condition(name="one-core", summary="one core", wraps=(_cores(1),)),
    Condition(name="two-cores", summary="two cores", wraps=(_cores(2),)),
    Condition(
        name="threads",
        summary="thread and kernel variables set by the user",
        environment={
            "KMP_BLOCKTIME": "0",
            "MKL_NUM_THREADS": "5",
            "NPY_DISABLE_CPU_FEATURES": "AVX512F",
            "OMP_NUM_THREADS": "7",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "OPENBLAS_NUM_THREADS": "3",
            "TF_DETERMINISTIC_OPS": "0",
            "TF_ENABLE_ONEDNN_OPTS": "0",
            "TF_NUM_INTEROP_THREADS": "5",
            "TF_NUM_INTRAOP_THREADS": "7",
        },
    ),
    Condition(
        name="order",
        summary="folders listed in reversed order",
        mount=("disorderfs", "--quiet", "--sort-dirents=yes", "--reverse-dirents=yes"),
    ),
    Condition(
        name="no-colour",
        summary="no colours",
        environment={"NO_COLOR": "1", "TERM": "dumb"},
    ),
    Condition(
        name="terminal",
        summary="a narrow terminal with colours",
        wraps=(("script", "--quiet", "--return", "--flush", "/dev/null", "--command"),),
        environment={"TERM": "xterm-256color", "FORCE_COLOR": "1", "COLUMNS": "37"},
    ),
    Condition(
        name="addresses", summary="addresses that are not randomized", wraps=(("setarch", "-R"),)
    ),
)
"""What `reproduce --vary` tries, each against the same lock."""


NAMES = tuple(condition.name for condition in VARIATIONS)
AND = "+"


def named(name: str) -> Condition:
    """Return the condition of a name, or of several with `+` between them; raises KeyError."""
    known = {condition.name: condition for condition in VARIATIONS}
    return reduce(_both, (known[each] for each in name.split(AND)))


def lacking(condition: Condition) -> str:
    """Say why a condition cannot be made here; empty if it can."""
    tools = [wrap[0] for wrap in (*condition.wraps, condition.mount) if wrap]
    for tool in tools:
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    if condition.locale and condition.locale not in _said("locale", "-a").stdout.split():
        return f"the locale {condition.locale} is not installed"
    if condition.mount and not os.path.exists("/dev/fuse"):
        return f"{condition.mount[0]} needs /dev/fuse, which is not there"
    tried = _said(*wrapped(condition, [sys.executable, "-c", ""]))
    if tried.returncode:
        said = (tried.stderr or tried.stdout).strip().splitlines() or ["no reason given"]
        return said[-1].strip()
    return ""


def wrapped(condition: Condition, command: list[str]) -> list[str]:
    """Return the command as it is run under a condition; the first wrap is the outermost."""
    for wrap in reversed(condition.wraps):
        takes_text = wrap[-1] == "--command"
        command = [*wrap, shlex.join(command)] if takes_text else [*wrap, *command]
    return command


def _both(one: Condition, other: Condition) -> Condition:
    """Return the condition that is both."""
    return Condition(
        name=f"{one.name}{AND}{other.name}",
        summary=f"{one.summary}, {other.summary}",
        wraps=(*one.wraps, *other.wraps),
        environment={**one.environment, **other.environment},
        checkout=other.checkout if other.checkout != CHECKOUT else one.checkout,
        cwd=other.cwd or one.cwd,
        mount=other.mount or one.mount,
        owner=one.owner if other.owner is None else other.owner,
        modules={**one.modules, **other.modules},
        locale=other.locale or one.locale,
    )


def _said(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
