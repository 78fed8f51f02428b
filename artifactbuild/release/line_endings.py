"""Files that differ from a recorded digest in their line endings alone, and what restores them."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from artifactbuild import git
from artifactbuild.manifest import find
from artifactbuild.problems import Refusal
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import digest

LF, CRLF = "LF", "CRLF"

ONLY = "differs only in its line endings"

_SAID = {LF: "lf:", CRLF: "crlf:"}

MAX_BYTES = 1 << 26
"""How large a file may be; of a larger one it is only said that it changed."""

_ATTRIBUTES = ".gitattributes"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLAIN = re.compile(r"[\w.+@%=,~-]+")
_SPECIAL = re.compile(r"[*?\[\\]|^[!#]")


def said_of(path: Path, was: str) -> str:
    """Return what stands before a file's digest if it would have a recorded one with others."""
    recorded = _recorded(path, was)
    return "" if recorded is None else _SAID[CRLF if recorded == LF else LF]


def named(state: str) -> str:
    """Return the line endings that stand before a digest; empty where there are none."""
    return next((name for name, said in _SAID.items() if state.startswith(said)), "")


def repair(path: Path, was: str) -> str:
    """Return the command that gives a file its recorded line endings back, and makes git keep them.

    Where git does not track the file, the command converts it, and nothing else.
    """
    real = Path(os.path.realpath(path))
    recorded, content = _recorded(real, was), _content(real)
    if recorded is None:
        return ""
    tracked = _tracked(real)
    if tracked is not None:
        top, staged = tracked
        line = _line(real.name, recorded, content, digest.of_bytes(staged) == was)
        if line:
            return _by_git(real, line, top)
    return _by_hand(real, recorded, content)


def _recorded(path: Path, was: str) -> str | None:
    """Return the line endings with which a file would have a recorded digest, if it has others."""
    if not _SHA256.fullmatch(was):
        return None
    content = _content(path)
    bare = content.replace(b"\r\n", b"\n")
    for endings, other in ((LF, bare), (CRLF, bare.replace(b"\n", b"\r\n"))):
        if other != content and digest.of_bytes(other) == was:
            return endings
    return None


def _content(path: Path) -> bytes:
    try:
        return bounded(path, MAX_BYTES)
    except Unreadable:
        return b""


def _tracked(real: Path) -> tuple[Path, bytes] | None:
    """Return the top of the checkout and the file as git has it.

    None where git does not track the file, or cannot be asked.
    """
    try:
        with git.opened(real.parent) as repository:
            staged = git.staged(repository, real) if repository is not None else None
            return (
                (repository.top, staged) if repository is not None and staged is not None else None
            )
    except Refusal:
        return None


def _line(name: str, recorded: str, content: bytes, is_staged: bool) -> str:
    """Return the line for `.gitattributes`; empty where none would help."""
    pattern = _pattern(name)
    if not pattern:
        return ""
    if b"\0" not in content:
        return f"{pattern} text eol={recorded.lower()}"
    return f"{pattern} -text" if is_staged else ""


def _pattern(name: str) -> str:
    """Return the pattern that matches one name; empty where a line can have none."""
    if not name.isprintable():
        return ""
    escaped = _SPECIAL.sub(lambda found: f"\\{found[0]}", name)
    if _PLAIN.fullmatch(name):
        return name
    inner = escaped.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'


def _by_git(real: Path, line: str, top: Path) -> str:
    """Return commands that write the attribute, and have git write the file again by it."""
    attributes, file = _shown(real.parent / _ATTRIBUTES), _shown(real)
    command = "git"
    if not Path(os.path.realpath(os.curdir)).is_relative_to(top):
        command = f"git -C {shlex.quote(str(top))}"
        attributes, file = str(real.parent / _ATTRIBUTES), str(real)
    attributes, file = shlex.quote(attributes), shlex.quote(file)
    add = [f"{command} add {attributes}"]
    if not line.endswith(" -text"):
        add.append(f"{command} add --renormalize {file}")
    # A file that is there would be taken for the one that git wrote. What it holds is in the index.
    again = [f"rm {file}", f"{command} checkout -- {file}"]
    return " && ".join([*_written(real.parent / _ATTRIBUTES, line, attributes), *add, *again])


def _written(attributes: Path, line: str, quoted: str) -> list[str]:
    """Return the command that adds a line to the attributes, unless it is their last one."""
    content = _content(attributes).decode(errors="replace")
    if content.splitlines()[-1:] == [line]:
        return []
    start = "" if not content or content.endswith("\n") else "\\n"
    if start or "\\" in line:
        return [f"printf '{start}%s\\n' {shlex.quote(line)} >> {quoted}"]
    return [f"echo {shlex.quote(line)} >> {quoted}"]


def _by_hand(real: Path, recorded: str, content: bytes) -> str:
    """Return a command that converts a file; GNU sed leaves a last line without an end as it is."""
    change = r"s/\r$//" if recorded == LF else r"s/\r\?$/\r/"
    lines = "" if content.endswith(b"\n") else "$!"
    return f"sed -i '{lines}{change}' {shlex.quote(_shown(real))}"


def _shown(path: Path) -> str:
    shown = find.shown(str(path))
    return f"./{shown}" if shown.startswith("-") else shown
