"""The kept records: a small artifact of every format, as each record version wrote them.

`pytest tests/release/test_records.py --update-golden` builds those of the current version anew.
"""

from __future__ import annotations

import shutil
from pathlib import Path

RECORDS = Path(__file__).parent / "records"
VERSIONS = sorted(path.name for path in RECORDS.iterdir())
CURRENT = "v1"
FORMATS = ("savedmodel", "keras", "h5", "weights", "weights_h5", "tflite", "onnx")
MODEL = "dense"


def lay_out(project: Path, version: str = CURRENT) -> Path:
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
