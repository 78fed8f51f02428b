"""Which manifests are open is told from what the index has, without decoding a thousand answers."""

from __future__ import annotations

from artifactbuild.commands.survey import Answers, Survey
from artifactbuild.index.entries import MORE, VERBS, Entry, Place
from artifactbuild.unchanged import Asked


def test_what_is_open_is_told_without_decoding_answers() -> None:
    place = Place("/project", "/project/artifacts", "/project")
    known, new = Asked("/project/a", place), Asked("/project/b", place)
    entry = Entry(asked="", model="a", said=[MORE for _ in VERBS], answer="no JSON", parts=[])
    found = Survey(asked=(known, new), indexes={}, answers=Answers({known: entry}))
    assert found.open == (new,)
