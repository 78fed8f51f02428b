"""The README's manifest reference is that of the schema.

`pytest tests/test_readme.py --update-golden` writes it anew.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from artifactbuild import resources
from artifactbuild.cli import VERBS
from artifactbuild.manifest.text import read

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- manifest reference: begin -->\n", "<!-- manifest reference: end -->\n"
SCHEMA = resources.schema("model.artifact")


def reference() -> str:
    """Return the manifest's keys as a Markdown table."""
    rows = ["| key | what it is | default |", "| --- | --- | --- |"]
    rows += [f"| `{key}` | {text} | {default} |" for key, text, default in _rows(SCHEMA, "")]
    return "\n".join(rows) + "\n"


def _rows(schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    required = schema.get("required", [])
    for key, rule in schema.get("properties", {}).items():
        known = _resolved(rule)
        name = f"{prefix}{key}"
        default = json.dumps(known["default"]) if "default" in known else ""
        text = known.get("description", "").replace("|", "\\|")
        yield name, text, "required" if key in required else f"`{default}`" if default else ""
        items = _resolved(known.get("items", {}))
        yield from _rows(known, f"{name}.")
        yield from _rows(items, f"{name}[].")


def _resolved(rule: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in rule:
        return rule
    found = SCHEMA["$defs"][rule["$ref"].rsplit("/", 1)[-1]]
    return {**found, **{k: v for k, v in rule.items() if k != "$ref"}}


def test_manifest_reference_is_that_of_the_schema(update_golden: bool) -> None:
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    expected = before + BEGIN + "\n" + reference() + "\n" + END + after
    if update_golden:
        path.write_text(expected, encoding="utf-8")
    assert text == expected or update_golden


def test_manifest_in_the_readme_is_the_one_in_the_repository() -> None:
    shown = (ROOT / "README.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    document = read(shown.encode(), "README.md")
    assert document.problems == ()
    own = read((ROOT / "manifests/my_model/model.artifact.yaml").read_bytes(), "manifest")
    assert document.data == own.data


def test_every_command_shown_is_one_that_there_is() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"\bartifactbuild ([a-z]+)\b([^\n`|>]*)", text)
    options = {(verb, option) for verb, rest in shown for option in re.findall(r"--[a-z-]+", rest)}
    named = {verb for verb, _ in shown if verb in VERBS}
    assert {"build", "check", "diff", "init", "reproduce", "schema"} <= named
    for verb in sorted(named):
        command = importlib.import_module(f"artifactbuild.commands.{verb}").command
        known = {option for parameter in command.params for option in parameter.opts}
        assert {option for of, option in options if of == verb} <= known, verb


def workflow(name: str) -> dict[Any, Any]:
    """Return the workflow of this name that the README shows."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    begin = f"name: {name}\n"
    (shown,) = [b.split("```")[0] for b in text.split("```yaml\n") if b.startswith(begin)]
    found: dict[Any, Any] = yaml.safe_load(shown)
    return found


def test_workflows_are_ones_that_github_reads() -> None:
    assert set(workflow("models")["jobs"]) == {"check", "reproduce"}
    assert set(workflow("models comment")["jobs"]) == {"comment"}
    for name in ("models", "models comment"):
        for job in workflow(name)["jobs"].values():
            assert all({"uses", "run"} & set(step) for step in job["steps"])


def test_pull_request_is_checked_without_a_token_that_writes() -> None:
    found = workflow("models")
    job = found["jobs"]["check"]
    assert found["permissions"] == {"contents": "read"}
    assert "permissions" not in job
    steps = job["steps"]
    assert not any("env" in step or "cache" in step.get("with", {}) for step in steps)
    (checkout,) = [s for s in steps if s.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"]["persist-credentials"] is False
    installed = [s["run"] for s in steps[: steps.index(checkout)] if "run" in s]
    assert installed == ["pip install artifactbuild"]
    assert not any("pip" in s.get("run", "") for s in steps[steps.index(checkout) :])


def test_comment_is_written_without_a_checkout() -> None:
    found = workflow("models comment")
    (job,) = found["jobs"].values()
    assert found["permissions"] == {}
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert found[True] == {"workflow_run": {"workflows": ["models"], "types": ["completed"]}}
    assert not any("checkout" in step.get("uses", "") for step in job["steps"])


@pytest.mark.parametrize("name", ["models", "models comment"])
def test_no_expression_is_pasted_into_a_command(name: str) -> None:
    for job in workflow(name)["jobs"].values():
        assert not any("${{" in step.get("run", "") for step in job["steps"])
