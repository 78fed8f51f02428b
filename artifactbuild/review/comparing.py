"""From two sides to their difference, with the answers that are stored beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from artifactbuild.data import decode
from artifactbuild.manifest.load import project_of
from artifactbuild.release import diff, digest, record
from artifactbuild.release.diff.layers import pairs
from artifactbuild.release.diff.nouns import Difference, Layers, OutputChange, Outputs
from artifactbuild.release.lock import Lock
from artifactbuild.release.record import Layer, Loader
from artifactbuild.review.places import Pair
from artifactbuild.review.sides import Placed
from artifactbuild.worker.confinement import Confinement
from artifactbuild.worker.messages import AskRequest, LayerPair, WeighReport, WeighRequest
from artifactbuild.worker.server import Server

WEIGHTS = ("keras", "h5", "weights_h5", "weights", "savedmodel")
"""The formats that hold tensors as they are, the quickest to read first."""


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


def weighed(found: Difference, pair: Pair, server: Server, log: Path) -> Difference:
    """Return the difference with how far weights moved, where the tensors are at hand.

    Reads payloads in a worker, and runs nothing of the project.
    """
    before, after = pair
    if before is None or after is None or found.layers is None or not found.layers.retrained:
        return found
    places = [_weights_in(placed) for placed in (before, after)]
    if any(place is None for place in places):
        return found
    formats = [place for place in places if place is not None]
    request = WeighRequest(
        before=str(before.folders[formats[0]]),
        after=str(after.folders[formats[1]]),
        pairs=tuple(_layer_pairs(before, after, formats, found.layers)),
    )
    far = decode(WeighReport, server.run("weigh", request, log)).relative
    retrained = tuple(replace(w, relative=far.get(w.layer)) for w in found.layers.retrained)
    return replace(found, layers=replace(found.layers, retrained=retrained))


def asked(found: Difference, pair: Pair, server: Server, log: Path) -> Difference:
    """Return the difference with the answers of the model of before to the new reference inputs.

    Runs that model by one of its loaders: one without the project's code, if it has any.
    """
    before, after = pair
    if before is None or after is None or found.outputs.changes:
        return found
    questions, loaders = _reference(after), [*_loaders(before)]
    if questions is None or not loaders:
        return found
    format, loader = min(loaders, key=lambda each: each[1].sources)
    made = before.side.records[format]
    request = AskRequest(
        folder=str(before.folders[format]),
        loader=loader,
        search_path=(str(after.path.parent), str(project_of(after.path))),
        inputs=made.input_signature,
        outputs=tuple(tensor.name for tensor in made.output_signature),
        questions=str(questions),
    )
    confinement = Confinement(
        project=request.search_path[1],
        folder=request.folder,
        protected=(*request.search_path, request.folder),
    )
    answer = server.run("ask", request, log, confinement=confinement)
    return replace(found, outputs=decode(Outputs, answer))


def _loaders(placed: Placed) -> Iterator[tuple[str, Loader]]:
    for format, made in placed.side.records.items():
        for loader in made.loaders:
            if loader.against in ("eager", "graph"):
                yield format, loader


def _weights_in(placed: Placed) -> str | None:
    """Return a format at hand whose payload holds the tensors as they are."""
    return next((format for format in WEIGHTS if format in placed.folders), None)


def _layer_pairs(
    before: Placed, after: Placed, formats: Sequence[str], found: Layers
) -> Iterator[LayerPair]:
    assert before.side.lock is not None
    assert after.side.lock is not None
    became = pairs(before.side.lock.layers, after.side.lock.layers)
    was = {new.name: old for old, new in became.items()}
    old, new = (
        dict(_variables(placed.side.records[format].architecture.layers))
        for placed, format in zip((before, after), formats, strict=True)
    )
    for each in found.retrained:
        yield LayerPair(layer=each.layer, before=old[was[each.layer]], after=new[each.layer])


def _variables(found: tuple[Layer, ...], path: str = "") -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the places of each layer's weights, under its path as the lock has it."""
    for layer in found:
        yield path + layer.name, layer.variables
        yield from _variables(layer.layers, f"{path}{layer.name}/")
