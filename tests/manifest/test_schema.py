"""What breaks the schema is said in words, and the defaults have one place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from artifactbuild import resources
from artifactbuild.manifest import schema, text
from artifactbuild.manifest.model import Manifest
from artifactbuild.manifest.text import Document
from artifactbuild.problems import Problem
from tests.manifest.manifests import FORMATS, HEAD, REFERENCE, SIGNATURE, case, document

SCHEMA = resources.schema("model.artifact")
PATH = "copy it into the project, and write its path from the manifest's folder, with '/'"


def said(rest: str = "", **parts: str) -> list[str]:
    """Give the messages that a manifest earns."""
    return [each.message for each in schema.check(document(rest, **parts))]


def nodes(found: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk all subschemas."""
    if isinstance(found, dict):
        yield path, found
        for key, inner in found.items():
            yield from nodes(inner, f"{path}/{key}")
    elif isinstance(found, list):
        for index, inner in enumerate(found):
            yield from nodes(inner, f"{path}/{index}")


def test_schema_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_good_manifest_has_no_problems() -> None:
    assert said() == []


def test_every_key_is_described() -> None:
    bare = [
        f"{path}/{key}"
        for path, node in nodes(SCHEMA)
        if not path.endswith("/if")
        for key, rule in node.get("properties", {}).items()
        if isinstance(rule, dict)
        if "$ref" not in rule and not {"title", "description"} <= set(rule)
    ]
    assert bare == []
    assert all({"title", "description"} <= set(each) for each in SCHEMA["properties"].values())


def test_every_pattern_is_anchored_bounded_and_explained() -> None:
    for path, node in nodes(SCHEMA):
        if isinstance(pattern := node.get("pattern"), str):
            assert pattern.startswith("^"), path
            assert pattern.endswith("$"), path
            assert {"maxLength", "errorMessage"} <= set(node), path


def test_every_mapping_is_closed_but_those_meant_to_be_open() -> None:
    declared = [
        path
        for path, node in nodes(SCHEMA)
        if "object" in (node.get("type") or ())
        and not {"additionalProperties", "oneOf"} & set(node)
    ]
    metadata = "/properties/metadata/properties"
    assert declared == [
        "/properties/kwargs",
        f"{metadata}/training",
        f"{metadata}/data",
        f"{metadata}/evaluation",
        "/$defs/case",  # closed by its if/then/else
    ]


def test_both_ways_to_ask_for_formats_know_the_same() -> None:
    formats = SCHEMA["properties"]["formats"]
    assert list(formats["properties"]) == formats["items"]["enum"] == list(schema.format_names())


@pytest.mark.parametrize(
    "version",
    [
        "1",
        "20261201",
        "9" * 18,
        "v1",
        "v0",
        "v120",
        "1.0.0",
        "0.10.3",
        "1.0.0-rc.1",
        "2.0.0-alpha-1",
    ],
)
def test_versions_that_are_taken(version: str) -> None:
    assert said(head=HEAD.replace("v1", f"'{version}'")) == []


@pytest.mark.parametrize(
    "version",
    [
        *("0", "01", "-1", "9" * 19, "١", "1\\n"),
        *("1.10", "v01", "v1.0", "1.0.0+x", "1.0.0-", "latest", "v1\\n", "../v1", "v١"),
    ],
)
def test_versions_that_are_refused(version: str) -> None:
    (message,) = said(head=HEAD.replace("v1", f'"{version}"'))
    assert message.endswith("expected 1, v1 or a semantic version such as 1.0.0 or 1.0.0-rc.1")


@pytest.mark.parametrize("written", ["1", "'1'", '"1"', "+1"])
def test_number_is_the_version_of_its_text(written: str) -> None:
    found = document(head=HEAD.replace("v1", written))
    assert schema.check(found) == ()
    assert Manifest.from_data(found.data).version == "1"


def versioned(version: str) -> tuple[Document, list[Problem]]:
    """Read a manifest with a version that may be no YAML of ours."""
    head = HEAD.replace("version: v1", f"version: {version}")
    found = text.read((head + FORMATS + SIGNATURE + REFERENCE).encode(), "f")
    return found, [*found.problems, *schema.check(found)]


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("1.10", "version is 1.10 (a number), expected a string or an integer", "'1.10.0'"),
        ("1.0", "version is 1.0 (a number), expected a string or an integer", "'1.0.0'"),
        ("v1.10", "version is 'v1.10', expected 1, v1 or a semantic version such as "
         "1.0.0 or 1.0.0-rc.1", "'1.10.0'"),
        ("'1.10'", "version is '1.10', expected 1, v1 or a semantic version such as "
         "1.0.0 or 1.0.0-rc.1", "'1.10.0'"),
        ("1.2.3+linux", "version is '1.2.3+linux', expected 1, v1 or a semantic version such as "
         "1.0.0 or 1.0.0-rc.1", "'1.2.3'"),
        ("1.10rc1", "version is '1.10rc1', expected 1, v1 or a semantic version such as "
         "1.0.0 or 1.0.0-rc.1", "'1.10.0-rc1'"),
        ("V2", "version is 'V2', expected 1, v1 or a semantic version such as "
         "1.0.0 or 1.0.0-rc.1", "v2"),
        ("v02", "version is 'v02', expected 1, v1 or a semantic version such as "
         "1.0.0 or 1.0.0-rc.1", "v2"),
        ("02", "02 is a number that tools read differently", "2"),
        ("1_000", "1_000 is a number that tools read differently", "1000"),
        ("0x10", "0x10 is a number that tools read differently", ""),
        ("0", "version is 0, expected at least 1", "v0"),
        ("-1", "version is -1, expected at least 1", ""),
        ("9" * 19, f"version is {'9' * 19}, expected at most {'9' * 18}", "v" + "9" * 19),
        ("9" * 22, "the integer does not fit into 64 bits", "v" + "9" * 22),
        ("1e3", "version is 1e3 (a number), expected a string or an integer", ""),
        ("true", "version is true (a boolean), expected a string or an integer", ""),
        ("", "version is empty, expected a string or an integer", ""),
        ("[1]", "version is a list, expected a string or an integer", ""),
        ("2026-12-01", "version is '2026-12-01', expected 1, v1 or a semantic version such as "
         "1.0.0 or 1.0.0-rc.1", ""),
    ],
)  # fmt: skip
def test_hint_of_a_version_leads_to_one_that_is_taken(
    written: str, message: str, hint: str
) -> None:
    _, (problem,) = versioned(written)
    expected = f"write version: {hint}" if hint else "for example version: v1"
    assert (problem.message, problem.hint) == (message, expected)
    followed, problems = versioned(problem.hint.partition("version: ")[2])
    assert problems == []
    assert Manifest.from_data(followed.data).version


@pytest.mark.parametrize("name", ["../../x", "a/b", ".hidden", "-x", "My", "a b", "", "a\\n", "é"])
def test_names_that_are_refused(name: str) -> None:
    (message,) = said(head=HEAD.replace("my_model", f'"{name}"'))
    assert message.startswith("name is ")


@pytest.mark.parametrize(
    ("rest", "message", "hint"),
    [
        ("seed: 1.0", "seed is 1.0 (a number), expected an integer", "write seed: 1"),
        ("seed: true", "seed is true (a boolean), expected an integer", "write an integer here"),
        (
            "seed: '5'",
            "seed is '5' (a string), expected an integer",
            "write seed: 5 without quotes",
        ),
        ("seed: 4294967296", "seed is 4294967296, expected at most 4294967295", None),
        ("kwargs: 3", "kwargs is 3 (an integer), expected a mapping", None),
        ("kwargs: {a-b: 3}", None, "rename it"),
        ("custom_objects: a:B", None, "write custom_objects: [a:B]"),
        ("validation: {tolerance: {atol: -1}}", "atol is -1, expected at least 0", None),
        ("card: {template: /x}", None, PATH),
        ("card: {template: 'C:\\x'}", None, PATH),
        ("metadata: {notes: [a]}", "notes is a list, expected a string", None),
        ("metadata: {training: {loss: {a: 1}}}", "a is 1 (an integer), expected a string", None),
        ("weights: {path: x}", "missing key 'sha256' in weights", None),
    ],
)
def test_mistake_is_said_in_words(rest: str, message: str | None, hint: str | None) -> None:
    (problem,) = schema.check(document(rest))
    assert message in (None, problem.message)
    assert hint in (None, problem.hint)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("x: {linspace: [0], shape: [1]}", "linspace has 1 entry, expected exactly 2"),
        ("x: {linspace: [0, 1]}", "missing key 'shape' in x"),
        ("x: {zeros: false, shape: [1]}", "zeros is false, expected true"),
        ("x: {zeros: 1, shape: [1]}", "zeros is 1, expected true"),
        ("x: {normal: false, shape: [1]}", None),
        ("x: {normal: {stddev: 0}, shape: [1]}", "stddev is 0, expected more than 0"),
        ("x: {normal: {sttdev: 1}, shape: [1]}", "unknown key 'sttdev'"),
        ("x: {zeros: true, shape: [1], seed: 1}", "unknown key 'seed'"),
        ("x: {zeros: true, ones: true, shape: [1]}", "'zeros' and 'ones' exclude each other"),
        ("x: {shape: [1]}", "x has no generator"),
        ("x: {}", "x has no generator"),
        ("x: {linspce: [0, 1], shape: [1]}", "unknown generator 'linspce'"),
        ("x: {values: []}", "values has no entries, expected at least 1"),
        ("x: {values: [[]]}", "values[0] has no entries, expected at least 1"),
        ("x: {values: [null]}", None),
        ("x: {integers: [0, 1.5], shape: [1]}", None),
        ("x: 3", "x is 3 (an integer), expected a mapping"),
        ("1x: {values: [1]}", None),
        ("file: a.npz, x: {values: [1]}", "unknown key 'x'"),
        ("file: 3", "file is 3 (an integer), expected a string"),
    ],
)
def test_mistaken_case_is_one_problem(inputs: str, message: str | None) -> None:
    found = said(reference=case(inputs))
    assert len(found) == 1
    assert message in (None, found[0])


@pytest.mark.parametrize(
    "inputs",
    [
        "file: a.npz",
        "x: {normal: true, shape: [1], seed: 3}",
        "x: {normal: {mean: 2}, shape: [1]}",
        "x: {uniform: [0, 1], shape: [1], seed: 3}",
        "x: {integers: [0, 9], shape: [1]}",
        "x: {values: [[a, b]]}",
        "x: {values: 1, shape: [3]}",
        "x: {ones: true, shape: [1]}, y: {zeros: true, shape: [1]}",
    ],
)
def test_good_cases_are_taken(inputs: str) -> None:
    assert said(reference=case(inputs)) == []


@pytest.mark.parametrize(
    "formats",
    [
        "formats: {keras: null}\n",
        "formats: [keras, h5]\n",
        "formats:\n  h5:\n",
        "formats: {h5: {}}\n",
    ],
)
def test_good_formats_are_taken(formats: str) -> None:
    assert said(formats=formats) == []


def test_misspelt_key_is_not_also_missing() -> None:
    assert said(head=HEAD.replace("version: v1", "verison: v1")) == ["unknown key 'verison'"]


def test_missing_key_tells_what_it_is_for() -> None:
    (problem,) = schema.check(document(head=HEAD.replace("name: my_model\n", "")))
    assert problem.message == "missing key 'name'"
    assert problem.hint.startswith("add 'name: my_model' (the model's name")


def test_problems_come_in_the_order_of_the_file() -> None:
    found = schema.check(document("seed: x\nzeed: 1\ncard: 3\n", head=HEAD.replace("v1", "1.5")))
    assert [each.line for each in found] == sorted(each.line or 0 for each in found)
    assert len(found) == 4


def test_path_with_a_problem_of_text_earns_no_second_one() -> None:
    raw = (HEAD + "seed: 0x1F\nformats: *a\n").encode()
    assert [each.message for each in schema.check(text.read(raw, "f"))] == [
        "missing key 'reference_inputs'"
    ]


def test_unreadable_document_earns_no_problem_of_schema() -> None:
    assert schema.check(text.read(b"a: [", "f")) == ()


def test_defaults_are_filled_and_fit_the_schema() -> None:
    given = document(reference=case("x: {normal: {mean: 2}, shape: [1]}")).data
    full = schema.defaults(given)
    assert full["validation"] == {"tolerance": {"atol": 1e-6, "rtol": 1e-5}, "resume_steps": 3}
    assert full["metadata"] == {
        "about": {},
        "training": {},
        "data": {},
        "evaluation": {},
        "notes": "",
    }
    assert full["reference_inputs"][0]["x"] == {
        "normal": {"mean": 2, "stddev": 1},
        "shape": [1],
        "seed": 0,
    }
    assert not list(Draft202012Validator(SCHEMA).iter_errors(full))
    assert schema.defaults(full) == full


def test_defaults_leave_the_given_data_alone() -> None:
    given = document("kwargs: {a: [1]}\nvalidation: {}\n").data
    before = repr(given)
    schema.defaults(given)["kwargs"]["a"].append(2)
    assert repr(given) == before
