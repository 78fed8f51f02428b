"""Texts that changed: one warning at the line of the key, and no new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from artifactbuild import examining, plan
from artifactbuild.cli import run
from artifactbuild.job import Job, inputs_now, job
from artifactbuild.manifest.load import load
from artifactbuild.release import digest
from artifactbuild.release.record import Inputs
from artifactbuild.review import texting
from tests.releases import release, wish

BUMP = "artifactbuild bump iris/model.artifact.yaml"
RELEASED = {"about": {"license": "mit"}, "notes": "first", "training": {"optimizer": "Adam"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembering:
    """A lock that has the texts of the release."""

    release: Any
    inputs: Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    metadata: Mapping[str, Any]


@pytest.fixture
def manifest(project: Path) -> Path:
    return release()


def changed(text: str, metadata: Mapping[str, Any] | None) -> list[str]:
    """Return where a manifest with another block of metadata is said to differ."""
    path = Path("iris/model.artifact.yaml")
    head = path.read_text().partition("metadata:")[0]
    path.write_text(head + text)
    work = job(load(path), None)
    assert work.memory is not None
    before = work.memory.inputs
    found = []
    for where, what in texting.changed(_remembering(work, metadata), before, _now(work, before)):
        problem = work.problem(where, "", at="key")
        found.append(f"{problem.line}:{problem.column} {what}")
    return found


def _now(work: Job, before: Inputs) -> Inputs:
    return inputs_now(work, [before])


def _remembering(work: Job, metadata: Mapping[str, Any] | None) -> Any:
    class Known:
        loaded = work.loaded
        memory = Remembering(
            release=None if metadata is None else Release(metadata=metadata),
            inputs=work.memory.inputs if work.memory else None,  # type: ignore[arg-type]
        )

    return Known


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metadata:\n  about:\n    license: mit\n  notes: second\n", ["12:3 metadata.notes"]),
        (
            "metadata:\n  about:\n    license: apache-2.0\n  notes: first\n",
            ["11:5 metadata.about.license"],
        ),
        (
            "metadata:\n  notes: x\n  about: {license: mit, limits: none}\n",
            ["10:3 metadata.notes", "11:25 metadata.about.limits"],
        ),
        ("metadata:\n  about:\n    license: mit\n", ["9:1 metadata"]),
        ("", ["1:1 metadata"]),
        (
            "metadata:\n  data: {rows: 4}\n  about:\n    license: mit\n  notes: first\n",
            ["10:3 metadata.data"],
        ),
        ("metadata: {about: {license: mit}, notes: first}\n", []),
    ],
)
def test_text_is_told_at_its_own_line(manifest: Path, text: str, expected: list[str]) -> None:
    assert changed(text, RELEASED) == expected


@pytest.mark.parametrize("metadata", [None, {}])
def test_lock_without_the_texts_knows_only_the_block(
    manifest: Path, metadata: dict[str, Any] | None
) -> None:
    text = "metadata:\n  about:\n    license: mit\n  notes: second\n"
    assert changed(text, metadata) == ["9:1 metadata"]


def test_edit_of_a_text_is_a_warning_and_keeps_the_version(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wish(notes="second")
    assert run(["check", "--committed"]) == 0
    assert capsys.readouterr() == (
        "iris/model.artifact.yaml: iris v1 is good\n"
        "  text-changed  `metadata` changed since v1 was released: the next version tells it  "
        f"`{BUMP}`\n",
        "",
    )
    assert run(["check", "--committed", "--format", "github"]) == 0
    assert capsys.readouterr().out.startswith(
        "::notice file=iris/model.artifact.yaml,line=9,col=1::text-changed: `metadata` changed"
    )
    work = job(load(manifest), None)
    (step,) = examining.plan(examining.see(work)).steps
    assert (step.action, step.reason, step.changes) == (
        plan.BUILD,
        "in the lock, not in the store",
        (),
    )


def inputs(card: str | None = None, **sources: str) -> Inputs:
    digests = {} if card is None else {"card": digest.of_data({"template": card})}
    return Inputs(manifest=digests, sources={n.replace("_", "."): s for n, s in sources.items()})


def test_template_of_a_card_is_text_and_another_file_is_none() -> None:
    before = inputs("card.j2", card_j2="1", model_py="1")
    after = inputs("card.j2", card_j2="2", model_py="2")
    assert plan.templates(before) == ("card.j2",)
    assert plan.texts(before, after) == ("card.j2",)
    assert plan.changes(before, after) == ("model.py changed",)
    assert plan.changes(before, after, text=True) == ("card.j2 changed", "model.py changed")


def test_template_that_gave_way_to_another_is_text_too() -> None:
    before, after = inputs("card.j2", card_j2="1"), inputs("other.j2")
    assert plan.changes(before, after) == ()
    assert plan.texts(before, after) == ("card", "card.j2")


def test_template_that_gave_way_is_told_by_its_key_alone(manifest: Path) -> None:
    before, now = inputs("card.j2", card_j2="1"), inputs("other.j2")
    work = job(load(manifest), None)
    assert [*texting.changed(work, before, now)] == [(("card",), "card")]
    after = inputs("card.j2", card_j2="2")
    assert [*texting.changed(work, before, after)] == [(("card", "template"), "card.j2")]
