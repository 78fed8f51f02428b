from __future__ import annotations

from pathlib import Path

import pytest

from artifactbuild.problems import Refusal
from artifactbuild.release import record

HINT = "unset it, or write `SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)`"


def test_source_date_epoch_wins_over_the_lock() -> None:
    moment = record.created_at({"SOURCE_DATE_EPOCH": "0"}, "2026-01-01T00:00:00Z")
    assert moment == "1970-01-01T00:00:00Z"


def test_lock_wins_over_the_clock() -> None:
    assert record.created_at({}, "2026-01-01T00:00:00Z") == "2026-01-01T00:00:00Z"


def test_bad_epoch_is_a_problem() -> None:
    with pytest.raises(Refusal) as refused:
        record.created_at({"SOURCE_DATE_EPOCH": "today"}, None)
    (problem,) = refused.value.problems
    expected = "found 'today', expected seconds from 1970 to the year 9999"
    assert (problem.message, problem.hint) == (expected, HINT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a record: Expecting property name enclosed in double quotes: line 1 column 2"),
        ("[]", "record_version is None, this artifactbuild reads 1"),
        ('{"record_version": 2}', "record_version is 2, this artifactbuild reads 1"),
        ('{"record_version": 1, "x": 1}', "not a record: $: unknown key 'x'"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "metadata.json").write_text(text)
    with pytest.raises(Refusal) as refused:
        record.read(tmp_path)
    assert refused.value.problems[0].message.startswith(message)
