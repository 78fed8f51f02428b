"""Every kind of model in every format: proven, or refused with a reason and a way out.

`pytest tests/kinds --update-golden` writes `expected.json` and the README's support table anew.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from artifactbuild.manifest.schema import format_names
from artifactbuild.worker.server import Server
from tests.kinds import older, prove, support
from tests.kinds.nouns import Kind
from tests.kinds.prove import Verdict
from tests.kinds.table import HOPELESS, KINDS
from tests.release.kept import IS_KERAS_OLDER

HERE = Path(__file__).parent
EXPECTED = HERE / "expected.json"
README = HERE.parents[1] / "README.md"
BESIDE_EACH_OTHER = 2
"""How many kinds are built at a time; each runs its validators two at a time."""

Verdicts = dict[str, Future[dict[str, Verdict]]]


@pytest.fixture(scope="module")
def verdicts(
    server: Server, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Verdicts]:
    """Start building the kinds whose tests were selected; the tests wait for their own."""
    folder = prove.project(tmp_path_factory.mktemp("kinds") / "project")
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    given = [call.params.get("kind") for call in calls if call]
    selected = [kind for kind in given if isinstance(kind, Kind)]
    with ThreadPoolExecutor(BESIDE_EACH_OTHER) as pool:
        started = {kind.name: pool.submit(prove.prove, kind, folder, server) for kind in selected}
        yield started
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_kind_is_proven_or_refused(kind: Kind, verdicts: Verdicts, update_golden: bool) -> None:
    found = verdicts[kind.name].result()
    said = {name: found[name].said for name in format_names()}
    if update_golden:
        assert not IS_KERAS_OLDER, "expected.json is of Keras 3.15 and later"
        _update(kind.name, said)
    wanted = older.wanted(kind.name, _expected()[kind.name])
    broken = {name for name in found if older.is_broken(wanted[name], found[name])}
    faults = {name: found[name].faults for name in found if found[name].faults}
    assert {name: each for name, each in faults.items() if name not in broken} == {}
    assert {name: wanted[name] if name in broken else said[name] for name in said} == wanted


def test_every_factory_is_a_kind() -> None:
    made = {
        f"factories.{path.stem}:{node.name}"
        for path in HERE.glob("factories/*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("make_")
    }
    assert sorted(f"{kind.module}:make_{kind.name}" for kind in KINDS) == sorted(made)


def test_expected_holds_the_kinds_and_formats_that_there_are(update_golden: bool) -> None:
    names = {kind.name for kind in KINDS}
    if update_golden:
        _write({name: said for name, said in _expected().items() if name in names})
    assert _expected().keys() == names
    assert {tuple(sorted(said)) for said in _expected().values()} == {tuple(sorted(format_names()))}


def test_readme_names_what_an_older_keras_does_otherwise() -> None:
    assert older.DIFFERENT.keys() <= _expected().keys()
    assert all(said != _expected()[kind] for kind, said in older.DIFFERENT.items())
    text = README.read_text(encoding="utf-8")
    _, begin, rest = text.partition("Keras 3.12 does otherwise")
    assert begin
    named = rest.partition("\n\n")[0]
    assert [kind for kind in older.DIFFERENT if f"`{kind}`" not in named] == []


def test_no_model_of_an_ordinary_sort_is_refused_everywhere() -> None:
    ordinary = [kind.name for kind in KINDS if kind.group not in HOPELESS]
    proven = {prove.EXACT, prove.CLOSE}
    assert [name for name in ordinary if proven.isdisjoint(_expected()[name].values())] == []


def test_support_table_in_the_readme_is_that_of_the_suite(update_golden: bool) -> None:
    text = README.read_text(encoding="utf-8")
    before, begin, rest = text.partition(support.BEGIN)
    _, end, after = rest.partition(support.END)
    assert begin
    assert end
    table = support.table(KINDS, _expected())
    current = f"{before}{support.BEGIN}\n{table}\n{support.END}{after}"
    if update_golden:
        README.write_text(current, encoding="utf-8")
    assert text == current or update_golden


def _expected() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return found


def _update(name: str, said: dict[str, str]) -> None:
    _write({**_expected(), name: said})


def _write(expected: dict[str, dict[str, str]]) -> None:
    text = json.dumps(expected, indent=2, sort_keys=True, ensure_ascii=False)
    EXPECTED.write_text(text + "\n", encoding="utf-8")
