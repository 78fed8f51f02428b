"""Each hint of the code is applied by a test, or stands below with the reason why it cannot be.

What counts as applied: the hints on the broken manifests and on the faulty models, whose tests
follow all of them, and each hint that a test gives to `follow`.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from tests.hints import catalogue
from tests.hints.edits import told
from tests.hints.left import LEFT

TESTS = Path(__file__).parents[1]


@functools.cache
def followed() -> dict[str, str]:
    """Return the hints that tests give to `follow`, each with the file of the test."""
    found = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "follow(" in text:
            tree = ast.parse(text)
            found |= dict.fromkeys(_given(tree), path.name)
    return found


def _given(tree: ast.Module) -> Iterator[str]:
    named = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "follow":
            given = node.args[1]
            if isinstance(given, ast.Constant):
                yield str(given.value)
            elif isinstance(given, ast.Name) and given.id in named:
                yield named[given.id]
            else:
                raise AssertionError(f"write the hint out: {ast.unparse(node)}")


@functools.cache
def repaired() -> frozenset[str]:
    """Return the hints that stand on broken manifests and faulty models."""
    found = [*TESTS.glob("manifest/broken/*.txt"), *TESTS.glob("faults/*/expected.txt")]
    said = {problem.hint for path in found for problem in told(path.read_text(encoding="utf-8"))}
    return frozenset(hint for text in said for hint in catalogue.given_by(text))


def test_each_hint_is_applied_by_a_test_or_left_for_a_reason() -> None:
    applied = {*followed(), *repaired(), *LEFT}
    missing = sorted(catalogue.hints() - applied)
    assert not missing, f"apply them in a test, by `follow`: {missing}"


def test_what_is_left_is_a_hint_that_no_test_applies() -> None:
    assert set(LEFT) <= catalogue.hints()
    assert not set(LEFT) & {*followed(), *repaired()}
    assert all(LEFT.values())


def test_what_tests_follow_is_a_hint_of_the_code() -> None:
    assert set(followed()) <= catalogue.hints()


def test_every_place_that_gives_a_hint_is_read() -> None:
    unread = {f"{site.file}: {each}" for site in catalogue.sites() for each in site.unread}
    assert unread == {"manifest/text.py: error.context"}, "PyYAML's own words"
    assert len(catalogue.sites()) > 150
