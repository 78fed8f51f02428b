"""Private copies: of what was read before, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from artifactbuild.release import digest, private
from tests.hostile.ground import resealed
from tests.release import kept


@pytest.fixture
def folder(project: Path) -> Path:
    return kept.lay_out(project) / "dense" / "savedmodel" / "v1"


def record_of(folder: Path) -> str:
    return digest.of_file(folder / "metadata.json")


def test_copy_is_of_every_file_that_the_record_lists(folder: Path) -> None:
    right = digest.of_folder(folder)
    del right["MODEL_CARD.md"]
    with private.copy(folder, record_of(folder)) as copy:
        assert digest.of_folder(copy) == right
        assert copy.stat().st_mode & 0o777 == 0o700
        (folder / "saved_model.pb").write_bytes(b"another")
        assert digest.of_folder(copy) == right
    assert not copy.exists()


def test_file_that_changed_is_not_copied(folder: Path) -> None:
    before = record_of(folder)
    (folder / "saved_model.pb").write_bytes(b"another")
    with pytest.raises(private.Changed) as changed, private.copy(folder, before):
        pass
    assert str(changed.value) == "changed while it was verified"


def test_artifact_that_was_exchanged_as_a_whole_is_not_copied(folder: Path) -> None:
    before = record_of(folder)
    (folder / "saved_model.pb").write_bytes(b"another")
    resealed(folder)
    with pytest.raises(private.Changed), private.copy(folder, before):
        pass
    shutil.rmtree(folder)
    with pytest.raises(private.Changed), private.copy(folder, before):
        pass
