"""Large weights pass through an archive's rewriting in pieces."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

from artifactbuild.worker.canonical import archive

LARGE = 64 << 20


def test_weights_are_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archived:
        archived.writestr(archive.METADATA, '{"keras_version": "3", "date_saved": "today"}')
        archived.writestr(archive.CONFIG, '{"shared_object_id": 140000000000000}')
        archived.writestr(archive.WEIGHTS, b"w" * LARGE)
    tracemalloc.start()
    archive.rewrite(path, {"seed_generators.json": b"[]"})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < LARGE / 8
    with zipfile.ZipFile(path) as archived:
        assert archived.testzip() is None
        assert {info.filename: info.file_size for info in archived.infolist()} == {
            "config.json": 23,
            "metadata.json": 59,
            "model.weights.h5": LARGE,
            "seed_generators.json": 2,
        }
        assert archived.read(archive.CONFIG) == b'{"shared_object_id": 0}'
