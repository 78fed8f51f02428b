"""From two sides to their difference, with the answers that are stored beside them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from artifactbuild.release import diff, digest, record
from artifactbuild.release.diff.nouns import Difference, OutputChange, Outputs
from artifactbuild.release.lock import Lock
from artifactbuild.review.places import Pair, Placed


def difference(pair: Pair) -> Difference:
    """Return what differs; answers are compared where they are at hand, and nothing is run."""
    before, after = pair
    if before is None or after is None:
        return Difference(
            before=before.side if before else None,
            after=after.side if after else None,
            outputs=Outputs(),
        )
    return diff.make(before.side, after.side, _outputs(before, after))


def _outputs(before: Placed, after: Placed) -> Outputs:
    """Compare the stored answers; equal digests of the references say it without the files."""
    was, now = before.side.lock, after.side.lock
    if was is None or now is None:
        return Outputs()
    if set(_references(was)) & set(_references(now)):
        return Outputs(
            changes=tuple(
                OutputChange(name=tensor.name, largest=0.0, mean=0.0)
                for tensor in now.output_signature
            )
        )
    files = [_reference(placed) for placed in (before, after)]
    lacking = [p.side for p, file in zip((before, after), files, strict=True) if file is None]
    if lacking:
        told = " and ".join(f"{each.version} ({each.label})" for each in lacking)
        return Outputs(why_not=f"not compared: the artifacts of {told} are not at hand")
    # NumPy is started only where there is something to compare.
    from artifactbuild.worker import answers

    return answers.moved(*[file for file in files if file is not None])


def _references(lock: Lock) -> Iterable[str]:
    return (locked.files.get(record.REFERENCE, "") for locked in lock.artifacts.values())


def _reference(placed: Placed) -> Path | None:
    """Return a reference that is the one that the lock names."""
    assert placed.side.lock is not None
    for format, folder in placed.folders.items():
        file = folder / record.REFERENCE
        expected = placed.side.lock.artifacts[format].files.get(record.REFERENCE)
        if file.is_file() and digest.of_file(file) == expected:
            return file
    return None
