"""What changed from one version of a model to the next, as a review tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artifactbuild.data import encode
from artifactbuild.release import diff, locking
from artifactbuild.release.diff.nouns import Outputs, Side
from artifactbuild.release.record import Record
from artifactbuild.review import words
from artifactbuild.review.telling import Report
from artifactbuild.site.shelf import Version


def between(before: Version, after: Version) -> Report:
    """Return the report of a difference, from records alone: answers are not compared."""
    return words.report(diff.make(_side(before), _side(after), Outputs()))


def _side(version: Version) -> Side:
    records = {artifact.record.format: artifact.record for artifact in version.artifacts}
    files = {
        format: {name: file.sha256 for name, file in made.files.items()}
        for format, made in records.items()
    }
    return Side(
        label=version.name,
        file="",
        model=version.record.model_name,
        version=version.name,
        manifest=_manifest(version.record, records),
        lock=locking.of(records, files, None),
        records=records,
    )


def _manifest(made: Record, records: Mapping[str, Record]) -> dict[str, Any]:
    """Return what a record repeats of its manifest in the manifest's form, the rest as digests."""
    metadata = {
        "about": made.about,
        "training": made.training,
        "data": made.data,
        "evaluation": made.evaluation,
        "notes": made.notes,
    }
    said = {
        "factory": made.factory,
        "formats": {format: each.options for format, each in records.items()},
        "kwargs": made.kwargs,
        "metadata": metadata,
        "seed": made.seed,
        "stochastic": made.stochastic,
    }
    plain: dict[str, Any] = encode(said)
    return {**made.inputs.manifest, **plain}
