"""The kept records: a small artifact of every format, as each record version wrote them.

`pytest tests/release/test_records.py --update-golden` builds those of the current version anew.
"""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path

from artifactbuild import resources
from artifactbuild.release import card, digest, record

RECORDS = Path(__file__).parent / "records"
VERSIONS = sorted(path.name for path in RECORDS.iterdir())
CURRENT = "v1"
FORMATS = ("savedmodel", "keras", "h5", "weights", "weights_h5", "tflite", "onnx")
MODEL = "dense"
REVIVED = ("h5", "keras", "savedmodel")
"""The formats of which Keras makes its own model again, of a configuration in the file."""

IS_KERAS_OLDER = tuple(map(int, metadata.version("keras").split(".")[:2])) < (3, 15)
"""Whether the Keras here does not know `quantization_config`, which that of the records wrote."""

TEMPLATE = resources.card_template()


def lay_out(project: Path) -> Path:
    """Lay the current records out, with cards as today's template makes them; return the root."""
    root = lay_out_as_kept(project, CURRENT)
    lock = project / MODEL / "model.artifact.lock"
    text = lock.read_text()
    for folder in root.glob("*/*/*"):
        path = folder / record.CARD
        before = digest.of_file(path)
        path.write_text(card.render_file(folder / record.FILE, TEMPLATE), encoding="utf-8")
        assert before in text
        text = text.replace(before, digest.of_file(path))
    lock.write_text(text)
    return root


def lay_out_as_kept(project: Path, version: str) -> Path:
    """Lay a kept project out, with its lock and what it published; return the artifacts root."""
    kept, folder = RECORDS / version, project / MODEL
    folder.mkdir()
    shutil.copyfile(kept / "manifest.yaml", folder / "model.artifact.yaml")
    for name in ("model.artifact.lock", "model.py"):
        shutil.copyfile(kept / name, folder / name)
    shutil.copytree(kept / "published", project / "artifacts" / MODEL)
    return project / "artifacts"


def keep(project: Path, manifest: Path) -> None:
    """Keep what was just built as the records of the current version."""
    kept = RECORDS / CURRENT
    shutil.copyfile(manifest.with_suffix(".lock"), kept / "model.artifact.lock")
    shutil.rmtree(kept / "published", ignore_errors=True)
    shutil.copytree(project / "artifacts" / MODEL, kept / "published", copy_function=_copied)


def _copied(source: str, target: str) -> str:
    shutil.copyfile(source, target)
    return target
