from __future__ import annotations

import ast
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import artifactbuild
from artifactbuild import entry, screen
from artifactbuild.cli import run
from artifactbuild.problems import Problem

ROOT = Path(artifactbuild.__file__).parent

GATES = {"screen.py", "entry.py"}
"""What writes to the terminal: the gate, and the fast path, which has no time to import it."""

PIPES = {
    "release/card.py": "the child that renders answers its parent through a pipe",
    "worker/": "a worker's output is a log file, never the terminal",
    "release/failure.py": "the text of a script",
}
HOSTILE = "\x1b]0;x\x07\n::stop-commands::pwn\n\u202e##[add-mask]"


def _writes(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that write to the terminal, or get hold of its streams."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "print":
            yield node.lineno
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            named = node.value.id, node.attr
            if named[0] == "sys" and node.attr.strip("_") in ("stdout", "stderr"):
                yield node.lineno
            if named[0] == "click" and node.attr in ("echo", "secho", "echo_via_pager", "prompt"):
                yield node.lineno
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rich":
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.module in ("click", "sys"):
            yield from (node.lineno for a in node.names if a.name in ("echo", "stdout", "stderr"))


def test_nothing_writes_past_the_gate() -> None:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name not in GATES and not name.startswith(tuple(PIPES)):
            found += [f"{name}:{line}" for line in _writes(ast.parse(path.read_text()))]
    assert found == [], "write through artifactbuild.screen"


@pytest.mark.parametrize(
    "code",
    ["print(1)", "import sys; sys.stdout.write('')", "click.echo(1)", "from rich import print"],
)
def test_the_walk_sees_who_writes(code: str) -> None:
    assert list(_writes(ast.parse(code))) == [1]


def test_lines_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    screen.say(["first", HOSTILE, "::notice::x"])
    screen.note("  ::warning::x")
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "first",
        r"\x1b]0;x\x07\n::stop-commands::pwn\n\u202e#\x23[add-mask]",
        r"\x3a:notice::x",
    ]
    assert err == "  \\x3a:warning::x\n"


def test_cells_of_a_table_are_visible_and_cut() -> None:
    rows = screen.table([("a\n", "b" * 1_000_000), ("c", "d")])
    assert rows == [r"  a\n  " + "b" * 400 + "… (1,000,000 characters)", "  c    d"]


def test_json_has_no_character_that_steers(capsys: pytest.CaptureFixture[str]) -> None:
    value = {HOSTILE: ["\x9b\u2028\udcff\U000e0041", "é中"]}
    screen.answer(value)
    out = capsys.readouterr().out
    assert json.loads(out) == value
    assert "é中" in out
    assert r"\u202e#\u0023[add-mask]" in out
    assert all(char.isprintable() for char in out.replace("\n", ""))


def test_annotation_is_one_line_with_its_place() -> None:
    problem = Problem(file="a,b:c\n\x1b", line=2, column=3, message=HOSTILE, hint="do %0A")
    assert screen.annotation(problem) == (
        r"::error file=a%2Cb%3Ac\n\x1b,line=2,col=3::"
        r"\x1b]0;x\x07\n::stop-commands::pwn\n\u202e#\x23[add-mask]%0Ado %250A"
    )


def test_remembered_annotations_are_ours_or_text(capsys: pytest.CaptureFixture[str]) -> None:
    screen.annotated(["::error file=a::b\n", "::stop-commands::x", "::notice file=a::b\n::set::x"])
    assert capsys.readouterr().out.splitlines() == [
        "::error file=a::b",
        r"\x3a:stop-commands::x",
        r"::notice file=a::b\n::set::x",
    ]


def test_what_an_encoding_lacks_is_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    screen.say(["v1 → v2"])
    assert stream.buffer.getvalue() == b"v1 \\u2192 v2\n"  # type: ignore[attr-defined]


def test_closed_output_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    screen.say(["nobody"])


def test_progress_on_a_terminal_takes_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with screen.progress() as tell:
        tell("[/] [link=http://e.x]building\x1b]0;x\x07")
    assert r"[/] [link=http://e.x]building\x1b]0;x\x07" in terminal.getvalue()


def test_fast_path_says_remembered_text_through_the_gate(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert entry._written("good\n::stop-commands::x\n\x1b[2J\n")
    assert capsys.readouterr().out == "good\n\\x3a:stop-commands::x\n\\x1b[2J\n"


def test_usage_errors_pass_the_gate(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--\x1b[2J"]) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert err.splitlines()[0].startswith("Usage: artifactbuild check")


def test_argument_with_a_nul_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "a\0b"]) == 2
    said = "Error: an argument holds a NUL, which no name and no path can\n"
    assert capsys.readouterr().err == said
