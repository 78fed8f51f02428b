"""A project of many manifests, locked and published, made from one that was really built.

    python -m tests.benchmarks.many FOLDER COUNT

The published artifacts are copies; each has a record, a card and a lock of its own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from artifactbuild.manifest.find import NAME
from artifactbuild.release import digest, record

MANIFEST = """\
schema_version: 1
name: {name}
version: v1
factory: model:make_model
formats: [savedmodel, keras, h5, weights, tflite]
reference_inputs:
  - name: rows
    x: {{normal: true, shape: [4, 4]}}
"""
SAMPLE = Path(__file__).parents[1] / "samples" / "dense" / "model.py"
FIRST = "m0000"


def make(folder: Path, count: int) -> None:
    """Fill an empty folder with a project of `count` manifests."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").touch()
    _manifest(folder, FIRST)
    _artifactbuild("build", folder)
    multiply(folder, count)
    _artifactbuild("build", folder)


def multiply(folder: Path, count: int) -> None:
    """Put copies of the first manifest and of what is published of it under other names."""
    own = folder / "manifests" / FIRST
    for number in range(1, count):
        name = FIRST[: -len(str(number))] + str(number)
        shutil.copytree(own, own.parent / name, ignore=shutil.ignore_patterns("*.lock"))
        manifest = own.parent / name / NAME
        manifest.write_text(manifest.read_text().replace(FIRST, name))
        for version in sorted((folder / "artifacts" / FIRST).glob("*/v1")):
            _copy(version, folder / "artifacts" / name / version.parent.name / "v1", name)


def _manifest(folder: Path, name: str) -> None:
    own = folder / "manifests" / name
    own.mkdir(parents=True)
    (own / NAME).write_text(MANIFEST.format(name=name))
    shutil.copy(SAMPLE, own)


def _copy(source: Path, target: Path, name: str) -> None:
    """Copy a version under another name of the same length; its digest is in the record, too."""
    shutil.copytree(source, target)
    renamed = {FIRST: name, digest.of_data(FIRST): digest.of_data(name)}
    for file in (target / record.FILE, target / record.CARD):
        text = file.read_text(encoding="utf-8")
        for before, after in renamed.items():
            text = text.replace(before, after)
        file.unlink()
        file.write_text(text, encoding="utf-8")
        file.chmod(0o444)


def _artifactbuild(verb: str, folder: Path) -> None:
    command = [sys.executable, "-m", "artifactbuild", verb]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
