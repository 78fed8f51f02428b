"""The manifests that a verb was asked about, and what the index still answers for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from artifactbuild import unchanged
from artifactbuild.index import answers
from artifactbuild.index.answers import Answer, Index
from artifactbuild.index.entries import MORE, VERBS, Entry
from artifactbuild.problems import Problem
from artifactbuild.unchanged import Asked, Looked


class Answers(Mapping[Asked, Answer]):
    """Answers, in order; those that the index gives are decoded only when they are asked for."""

    def __init__(self, found: Mapping[Asked, Entry | Answer]) -> None:
        self.found = found

    def __getitem__(self, asked: Asked) -> Answer:
        known = self.found[asked]
        return known if isinstance(known, Answer) else answers.read(known)

    def __contains__(self, asked: object) -> bool:
        return asked in self.found  # without decoding it

    def __iter__(self) -> Iterator[Asked]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def model(self, asked: Asked) -> str:
        """Return the name of a manifest's model; empty where there is no answer."""
        return self.found[asked].model if asked in self.found else ""

    def said(self, asked: Asked, verb: str) -> str:
        """Return what a verb without options says of a manifest; empty where it has more to do."""
        known = self.found[asked]
        text = MORE if isinstance(known, Answer) else known.said[VERBS.index(verb)]
        return "" if text == MORE else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All that a verb was asked about, by which arguments, with the answers that still stand."""

    asked: tuple[Asked, ...]
    indexes: Mapping[str, Index]
    answers: Answers
    arguments: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Asked, ...]:
        """What must be looked into."""
        return tuple(each for each in self.asked if each not in self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The answers of all manifests that could be read, and what is wrong with the others."""

    answers: Answers
    unreadable: tuple[Problem, ...] = ()


def survey(paths: tuple[str, ...], artifacts: str | None, looked: Looked | None) -> Survey:
    """Find the manifests that the arguments name, and the answers that still stand.

    `looked` is what a look at the same arguments found, if there was one.
    """
    found = looked or unchanged.look(paths, artifacts)
    indexes = {
        root: Index(root, found.files[root], found.made_by, known)
        for root, known in found.indexes.items()
    }
    standing: dict[Asked, Entry | Answer] = {
        asked: entry for asked, entry in found.standing.items() if _is_readable(entry)
    }
    for asked in found.asked:
        if asked not in standing:
            answer = indexes[asked.place.root].answer(asked.place, asked.manifest)
            if answer is not None:
                standing[asked] = answer
    for index in indexes.values():
        index.save()
    named = {(asked.place.project, answer.model) for asked, answer in standing.items()}
    distinct = len(named) == len(standing)
    in_order = {asked: standing[asked] for asked in found.asked if asked in standing}
    return Survey(
        asked=found.asked,
        indexes=indexes,
        answers=Answers(in_order if distinct else {}),
        arguments=paths,
    )


def _is_readable(entry: Entry) -> bool:
    try:
        answers.read(entry)
    except ValueError:
        return False
    return True


def complete(found: Survey) -> Findings:
    """Look into what must be looked into."""
    if not found.open:
        return Findings(answers=found.answers)
    # What reads YAML, schemas and records takes longer to import than a thousand looks.
    from artifactbuild.commands import inquiry

    return inquiry.inquire(found)
