from __future__ import annotations

import pytest

from artifactbuild.site.text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe × 2", "größe × 2"),
        ("two\n\tlines", "two\n\tlines"),
        ("a\u202eb\u200bc\x00", r"a\u202eb\u200bc\x00"),
        ("half\ud800", r"half\ud800"),
    ],
)
def test_every_character_can_be_seen(text: str, shown: str) -> None:
    assert visible(text) == shown
