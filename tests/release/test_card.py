from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from artifactbuild.problems import Refusal
from artifactbuild.release.card import render
from artifactbuild.resources import card_template

KEPT = Path(__file__).parent / "records" / "v1" / "published" / "keras" / "v1"


def card(tmp_path: Path, template: str, **metadata: Any) -> str:
    path = tmp_path / "card.md.j2"
    path.write_text(template, encoding="utf-8")
    return render(metadata, path)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("my_model", "my_model"),
        ("_private_", r"\_private\_"),
        ("2.21.0", "2.21.0"),
        ("1. first", r"1\. first"),
        ("# heading", r"\# heading"),
        ("a | b", r"a \| b"),
        ("two\nlines", "two lines"),
        ("[x](javascript:alert)", r"\[x\](javascript:alert)"),
        ("<script>", r"\<script\>"),
        ("&lt;", r"\&lt;"),
        ("`code`", r"\`code\`"),
        (["mae", "acc"], "mae, acc"),
        (True, "yes"),
        (None, ""),
        ({"b": 1}, '{"b": 1}'),
    ],
)
def test_values_are_shown_as_they_are(tmp_path: Path, value: Any, shown: str) -> None:
    assert card(tmp_path, "{{ value }}", value=value) == shown + "\n"


def test_code_with_backticks_gets_longer_ticks(tmp_path: Path) -> None:
    assert card(tmp_path, "{{ v | code }}", v="a ``b`` c") == "```a ``b`` c```\n"
    assert card(tmp_path, "{{ v | code }}", v="`a`") == "`` `a` ``\n"


def test_fence_is_longer_than_what_it_holds(tmp_path: Path) -> None:
    assert card(tmp_path, "{{ v | fence('python') }}", v="x = '```'") == (
        "````python\nx = '```'\n````\n"
    )


def test_missing_key_names_the_template_line(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refused:
        card(tmp_path, "# title\n\n{{ nothing }}\n")
    (problem,) = refused.value.problems
    assert (problem.line, problem.message) == (3, "template: 'nothing' is undefined")


def test_syntax_error_names_the_template_line(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refused:
        card(tmp_path, "# title\n{% if %}\n")
    (problem,) = refused.value.problems
    assert problem.line == 2
    assert problem.message.startswith("template: Expected an expression")


@pytest.mark.parametrize(
    "template", ["{{ ''.__class__.__mro__ }}", "{{ v.append(1) }}", "{% include '/etc/passwd' %}"]
)
def test_template_reaches_nothing_but_its_values(tmp_path: Path, template: str) -> None:
    with pytest.raises(Refusal):
        card(tmp_path, template, v=[1])


def check(loader: str, compared: str, against: str, **known: Any) -> dict[str, Any]:
    plain = {"count": 9, "max_abs": 0.0, "atol": 0.0, "rtol": 0.0, "passed": True, "detail": ""}
    return {"loader": loader, "compared": compared, "against": against, **plain, **known}


def test_checks_are_told_in_one_row_for_each_loader(tmp_path: Path) -> None:
    checks = [
        check("keras", "outputs", "eager"),
        check("keras", "outputs", "graph", max_abs=1.5e-7, atol=1e-6, rtol=1e-5),
        check("keras", "weight variables", "model", count=4),
        check("keras", "optimizer variables", "model", count=10),
        check("keras", "3 training steps", "model"),
        check("classify", "outputs", "signature:classify", max_abs=None),
    ]
    template = (
        "{% for row in checks | by_loader %}"
        '{{ row.loader }}: {{ row["values"] }} {{ row.eager }} {{ row.graph }} {{ row.allowed }} '
        "{{ row.equal }};\n{% endfor %}"
    )
    assert card(tmp_path, template, checks=checks) == (
        "keras: 9 0 1.5e-07 1e-06 + 1e-05 × \\|expected\\| weights, optimizer, 3 training steps;\n"
        "classify: 9  equal exact ;\n"
    )


def test_what_was_read_and_imported_is_a_table_where_there_is_something(tmp_path: Path) -> None:
    template = card_template()
    made = json.loads((KEPT / "metadata.json").read_text(encoding="utf-8"))
    plain = render(made, template)
    assert "read from the environment" not in plain
    inputs = {"distributions": {"pandas": "2.0"}, "variables": {"SCALE": "unset"}}
    rows = (
        "| imported, or read from the environment | |\n| --- | --- |\n"
        "| `pandas` | `2.0` |\n| `$SCALE` | `unset` |\n\n"
    )
    full = render({**made, "inputs": {**made["inputs"], **inputs}}, template)
    assert full.replace(rows, "") == plain


def test_inner_layers_follow_their_outer_one(tmp_path: Path) -> None:
    inner = {"name": "dense", "layers": []}
    layers = [{"name": "scaled", "layers": [inner]}, {"name": "out", "layers": []}]
    template = (
        "{% for layer in layers | nested %}{{ '·' * layer.depth }}{{ layer.name }} {% endfor %}"
    )
    assert card(tmp_path, template, layers=layers) == "scaled ·dense out \n"


def test_call_names_every_input(tmp_path: Path) -> None:
    inputs = [{"name": "a"}, {"name": "b"}]
    assert card(tmp_path, "{{ v | call }}", v=inputs) == '`predict({"a": …, "b": …})`\n'
