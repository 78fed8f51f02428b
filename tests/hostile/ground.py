"""The ground that hostile inputs stand on: a kept project, a marker, a canary.

The marker is a file that must never be written, the canary one that must never be read.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from artifactbuild import resources
from artifactbuild.release import card, digest

SECRET = "canary-5d41402abc4b2a76"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A project with a published artifact of every format, and what lies outside of it."""

    project: Path
    marker: Path
    canary: Path

    @property
    def manifest(self) -> Path:
        return self.project / "dense" / "model.artifact.yaml"

    def artifact(self, format: str) -> Path:
        return self.project / "artifacts" / "dense" / format / "v1"

    def rewrite(self, old: str, new: str) -> None:
        """Change the manifest's text."""
        text = self.manifest.read_text()
        assert old in text
        self.manifest.write_text(text.replace(old, new))


def prepared(project: Path, outside: Path) -> Ground:
    """Lay the canary out, so that reading it changes its time of access."""
    canary = outside / "canary"
    canary.write_text(f"{SECRET} = {SECRET}: [\n")
    os.utime(canary, (1_000_000_000, 1_500_000_000))
    return Ground(project=project, marker=outside / "marker", canary=canary)


def was_read(path: Path) -> bool:
    """Tell whether somebody read a file since it was laid out."""
    return path.stat().st_atime != 1_000_000_000


def resealed(folder: Path) -> Path:
    """Give an artifact the record and card of what it holds now, as its forger would."""
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata["files"] = {
        name: {"sha256": sha256, "size": (folder / name).stat().st_size}
        for name, sha256 in digest.of_folder(folder).items()
        if name not in ("metadata.json", "MODEL_CARD.md")
    }
    (folder / "metadata.json").write_text(json.dumps(metadata))
    text = card.render(metadata, resources.card_template())
    (folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")
    return folder
