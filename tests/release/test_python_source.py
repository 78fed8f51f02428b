"""The digest of a Python source: one on every Python, never one for two sources that differ."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artifactbuild.release import python_source
from tests.release import python_source_mutations as mutations
from tests.release import python_source_vectors as vectors

SOURCES = mutations.sources()

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")


def test_vectors() -> None:
    assert vectors.faults() == []


def test_vectors_need_nothing_but_python() -> None:
    """So that a job can compare them on every Python, without an installation."""
    command = [sys.executable, "-S", "-m", "tests.release.python_source_vectors"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, env={}, capture_output=True, text=True, check=False)
    said = f"Python {sys.version.split()[0]}: all digests are as they must be\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


@pytest.mark.parametrize("name", vectors.SAME)
def test_sources_of_one_digest_give_one_code(name: str) -> None:
    assert len({ast.dump(ast.parse(source)) for source in vectors.SAME[name]}) == 1


@settings(max_examples=1000, deadline=None)
@given(st.integers(0, len(SOURCES) - 1), st.integers(0, 1 << 32))
def test_mutation_that_changes_the_code_changes_the_text(which: int, seed: int) -> None:
    """The normalized text compiles to the code of its source: equal texts have equal code."""
    text = mutations.mutated(SOURCES[which], random.Random(seed))
    assert mutations.holds(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(mutations.SMALL), st.integers(0, 1 << 32))
def test_mutation_of_what_is_hard_to_read(text: str, seed: int) -> None:
    found = mutations.mutated(text, random.Random(seed))
    assert mutations.holds(found.encode("utf-8", "surrogatepass"))


@settings(max_examples=500, deadline=None)
@given(st.text("'\"\\{}#f\n x:([)]N!=r\t"))
def test_any_text_of_signs_that_matter(text: str) -> None:
    assert mutations.holds(text.encode())


def test_standard_library_is_read() -> None:
    """All of it but what is in an encoding that few use, to the text that gives the same code."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[::4]
    assert len(files) > 30
    for path in files:
        content = path.read_bytes()
        text = python_source.normalized(content)
        assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(content)), path
        assert python_source.normalized(text.encode()) == text, path


def test_long_sources_take_time_in_proportion() -> None:
    """What a hostile source could be: no part of it is read again and again."""
    size = 1 << 20
    for source in (
        b"x = " + b"'a'" * (size // 3),
        b"x = f'" + b"{a}" * (size // 3) + b"'",
        b"x = " + b"f'{" * (size // 3),
        b"'''" + b"''\\'" * (size // 4),
        b"a" * size + b"'#'",
        b"x = 1 # \n" * (size // 9),
    ):
        begun = time.process_time()
        python_source.digest(source)
        assert time.process_time() - begun < 5, source[:20]


def test_too_large_a_source_counts_by_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_source, "MAX_BYTES", 8)
    assert python_source.digest(b"x = 1\n") is not None
    assert python_source.digest(b"x = 1  # one\n") is None
