"""The manifests that a verb was asked about, and what the index still answers for them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from artifactbuild.index import Answer, Index
from artifactbuild.manifest import find
from artifactbuild.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One manifest that a verb was asked about; absolute paths."""

    manifest: str
    project: str
    root: str
    """Where its versions are published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All that a verb was asked about, with the answers that still stand."""

    asked: tuple[Asked, ...]
    indexes: Mapping[str, Index]
    answers: Mapping[Asked, Answer]

    @property
    def open(self) -> tuple[Asked, ...]:
        """What must be looked into."""
        return tuple(each for each in self.asked if each not in self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The answers of all manifests that could be read, and what is wrong with the others."""

    answers: Mapping[Asked, Answer]
    unreadable: tuple[Problem, ...] = ()
    unplanned: tuple[Problem, ...] = ()
    """Problems of published records that cannot be read: there is no plan, and drift tells of them.
    """


def survey(paths: tuple[str, ...], artifacts: str | None) -> Survey:
    """Find the manifests that the arguments name, and the answers that still stand."""
    asked = tuple(_asked(find.manifests(paths, os.getcwd()), artifacts))
    indexes = {root: Index(root) for root in {each.root for each in asked}}
    answers = {
        each: answer
        for each in asked
        if (answer := indexes[each.root].answer(each.manifest, each.project)) is not None
    }
    for index in indexes.values():
        index.save()
    named = {(each.project, answer.model) for each, answer in answers.items()}
    distinct = len(named) == len(answers)
    return Survey(asked=asked, indexes=indexes, answers=answers if distinct else {})


def complete(found: Survey) -> Findings:
    """Look into what must be looked into."""
    if not found.open:
        return Findings(answers=found.answers)
    # What reads YAML, schemas and records takes longer to import than a thousand looks.
    from artifactbuild.commands import inquiry

    return inquiry.inquire(found)


def _asked(manifests: Iterable[str], artifacts: str | None) -> Iterator[Asked]:
    known: dict[str, str | None] = {}
    for manifest in manifests:
        project = find.project_of(os.path.dirname(manifest), known)
        root = artifacts or os.path.join(project, "artifacts")
        yield Asked(manifest=manifest, project=project, root=root)
