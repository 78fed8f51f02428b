"""What is kept of a variable of the environment."""

from __future__ import annotations

import pytest

from artifactbuild.release import digest, variables


def test_value_is_kept_as_its_digest() -> None:
    assert variables.kept("SCALE", "2") == digest.of_bytes(b"2")
    assert variables.kept("SCALE", None) == "unset"


@pytest.mark.parametrize("name", ["HF_TOKEN", "my_secret", "API_KEY", "DB_PASSWORD"])
def test_nothing_is_kept_of_a_secret(name: str) -> None:
    assert variables.kept(name, "hunter2") == "secret"
    assert variables.kept(name, None) == "unset"
