"""Problems that need the files a manifest names; none of them is imported or run."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from artifactbuild.manifest import arrays, find, sources
from artifactbuild.manifest.meaning import fits, said
from artifactbuild.manifest.model import Manifest, Target, Tensor
from artifactbuild.manifest.text import Document, Where
from artifactbuild.problems import Problem, did_you_mean
from artifactbuild.reading import Unreadable, bounded

CHUNK = 1 << 20
MAX_SOURCE = 1 << 24
RELATIVE = "paths are relative to the manifest's folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the manifest's names are looked up: its document, its folder, its project."""

    document: Document
    folder: Path
    project: Path


def check(
    manifest: Manifest, document: Document, *, folder: Path, project: Path
) -> tuple[Problem, ...]:
    """Find the problems that show when the named files are looked at."""
    place = Place(document=document, folder=folder, project=project)
    return tuple(
        dict.fromkeys(
            [
                *_target(place, manifest.factory, ("factory",)),
                *_custom_objects(place, manifest),
                *_weights(place, manifest),
                *_references(place, manifest),
                *_others(place, manifest),
                *_signatures(place, manifest),
            ]
        )
    )


READABLE = f"let it be a readable file of at most {MAX_SOURCE >> 20} MB"


def display(path: Path) -> str:
    """Write a path for people: from the current folder where it is inside, else whole."""
    return find.shown(str(path))


def _custom_objects(place: Place, manifest: Manifest) -> Iterator[Problem]:
    for index, target in enumerate(manifest.custom_objects):
        yield from _target(place, target, ("custom_objects", index))


def _signatures(place: Place, manifest: Manifest) -> Iterator[Problem]:
    for name, target in manifest.signatures:
        yield from _target(place, target, ("signatures", name))


def _target(place: Place, target: Target, where: Where) -> Iterator[Problem]:
    try:
        path = sources.locate(target.module, (place.folder, place.project))
    except sources.NotFound as missing:
        yield _no_module(place, missing, where)
        return
    if path and _leads_out(place, path):
        message = f"module {target.module!r} is a link that leads out of the project"
        yield place.document.problem(where, message, "copy the file into the project")
        return
    try:
        source = bounded(path, MAX_SOURCE) if path else None
    except Unreadable as unreadable:
        message = f"module {target.module!r} cannot be read: {unreadable}"
        yield place.document.problem(where, message, READABLE)
        return
    if path and source is not None:
        yield from _attribute(place, target, where, path, source)


def _leads_out(place: Place, path: Path) -> bool:
    """Tell whether a file of the project is not in it: its text would show in a syntax error.

    A virtual environment in the project is no part of it, wherever it really lies.
    """
    path, project = Path(os.path.abspath(path)), place.project
    searched = [Path(entry) for entry in sys.path if entry]
    installed = any(e != project and _within(e, project) and _within(path, e) for e in searched)
    return (
        not installed and _within(path, project) and not _within(path.resolve(), project.resolve())
    )


def _within(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder)


def _no_module(place: Place, missing: sources.NotFound, where: Where) -> Problem:
    inside = f" in {missing.inside!r}" if missing.inside else ""
    nearby = [name for name in missing.known if not name.startswith("__")]
    if missing.name in nearby:
        return place.document.problem(
            where, f"module {missing.name!r}{inside} is no file", "replace it with a file"
        )
    hint = did_you_mean(missing.name, nearby)
    if not hint and missing.inside:
        hint = f"modules in it are: {', '.join(nearby) or 'none, it is a single file'}"
    hint = hint or "it is sought in the manifest's folder, the project and the installed packages"
    return place.document.problem(where, f"no module named {missing.name!r}{inside}", hint)


def _attribute(
    place: Place, target: Target, where: Where, path: Path, source: bytes
) -> Iterator[Problem]:
    try:
        names = sources.names(source, str(path))
    except SyntaxError as error:
        yield _syntax_error(place.document.problem(where, "").line, place, path, error)
        return
    if not names.is_open and target.attribute not in names.defined:
        guess = did_you_mean(target.attribute, _public(names.defined))
        listed = _public(names.own) or _public(names.defined)  # imports alone are offered, too
        defined = f"it defines: {', '.join(listed[:20]) or 'nothing'}"
        message = f"module {target.module!r} defines no {target.attribute!r}"
        yield place.document.problem(where, message, f"{guess} {defined}".strip())


def _public(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("_")]


def _syntax_error(line: int | None, place: Place, path: Path, error: SyntaxError) -> Problem:
    return Problem(
        file=display(path),
        message=f"this is not valid Python: {error.msg}",
        hint=f"repair it; it is named by {place.document.file}:{line}",
        line=error.lineno,
        column=max(error.offset or 1, 1) if error.lineno else None,
        source=(error.text or "").rstrip("\r\n"),
    )


def _weights(place: Place, manifest: Manifest) -> Iterator[Problem]:
    if manifest.weights is None:
        return
    path = _file(place, manifest.weights.path, where := ("weights", "path"))
    if isinstance(path, Problem):
        yield path
        return
    try:
        found = _sha256(path)
    except OSError as error:
        yield place.document.problem(where, f"cannot be read: {_reason(error)}")
        return
    if found != manifest.weights.sha256:
        message = (
            f"{manifest.weights.path!r} has another digest: "
            f"found {found}, expected {manifest.weights.sha256}"
        )
        hint = f"if this is the right file, write sha256: {found}"
        yield place.document.problem(("weights", "sha256"), message, hint)


def _others(place: Place, manifest: Manifest) -> Iterator[Problem]:
    """Find the missing ones among the files that are only copied or read later."""
    named: list[tuple[Where, str | None]] = [
        (("card", "template"), manifest.card_template),
        (("evaluate", "file"), manifest.evaluate.file if manifest.evaluate else None),
        *((("assets", index), path) for index, path in enumerate(manifest.assets)),
        *(
            (("formats", request.name, "calibration"), request.options.get("calibration"))
            for request in manifest.formats
        ),
    ]
    for where, path in named:
        found = _file(place, path, where) if path is not None else None
        if isinstance(found, Problem):
            yield found


def _references(place: Place, manifest: Manifest) -> Iterator[Problem]:
    declared = {tensor.name: tensor for tensor in manifest.input_signature}
    for index, case in enumerate(manifest.reference_inputs):
        if case.file is None:
            continue
        where = ("reference_inputs", index, "file")
        path = _file(place, case.file, where)
        if isinstance(path, Problem):
            yield path
            continue
        try:
            found = arrays.headers(path)
        except (arrays.Unreadable, OSError) as error:
            reason = _reason(error) if isinstance(error, OSError) else str(error)
            hint = "write it with numpy.savez"
            yield place.document.problem(where, f"{case.file!r} cannot be read: {reason}", hint)
            continue
        for message, hint in _arrays(found, declared):
            yield place.document.problem(where, f"{case.file!r} {message}", hint)


def _arrays(
    found: Mapping[str, arrays.Array], declared: Mapping[str, Tensor]
) -> Iterator[tuple[str, str]]:
    if declared:
        yield from _other_arrays(found, declared)
    for name, array in found.items():
        if array.dtype in ("object", "structured"):
            yield f"holds {name!r} as pickled or structured values", "save plain arrays"
        elif tensor := declared.get(name):
            yield from _mismatch(array, tensor)
    yield from _batches(found)


def _other_arrays(
    found: Mapping[str, arrays.Array], declared: Mapping[str, Tensor]
) -> Iterator[tuple[str, str]]:
    for name in declared:
        if name not in found:
            held = ", ".join(sorted(found)) or "nothing"
            yield f"holds no array for input {name!r}", f"save it as {name!r}; it holds: {held}"
    for name in found:
        if name not in declared:
            hint = f"remove or rename it; declared inputs are: {', '.join(declared)}"
            yield f"holds {name!r}, which is no input", hint


def _mismatch(array: arrays.Array, tensor: Tensor) -> Iterator[tuple[str, str]]:
    if array.dtype != tensor.dtype:
        hint = f"save it as {tensor.dtype}, or change the input's dtype"
        yield f"holds {tensor.name!r} as {array.dtype}, expected {tensor.dtype}", hint
    if not fits(array.shape, tensor.shape):
        message = f"holds {tensor.name!r} of shape {list(array.shape)}"
        hint = "save it in that shape, or change the input's shape"
        yield f"{message}, expected {said(tensor.shape)}", hint


def _batches(found: Mapping[str, arrays.Array]) -> Iterator[tuple[str, str]]:
    sizes = {name: array.shape[0] if array.shape else 0 for name, array in found.items()}
    for name, size in sizes.items():
        if not size:
            yield f"holds no rows in {name!r}", "save at least one"
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        yield f"holds different batch sizes: {listed}", "save the same number of rows of each"


def _file(place: Place, text: str, where: Where) -> Path | Problem:
    """Find a regular file inside the project, or say why there is none."""
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).drive:
        return place.document.problem(where, f"{text!r} is not a relative path", RELATIVE)
    try:
        path = (place.folder / text).resolve()
        inside = path.is_relative_to(place.project.resolve())
        exists, regular = path.exists(), path.is_file()
    except (OSError, RuntimeError, ValueError):  # too long, a loop of links, a NUL
        hint = "name a file by a relative path of ordinary characters"
        return place.document.problem(where, f"{text!r} is no usable path", hint)
    if not inside:
        hint = "copy the file into the project"
        return place.document.problem(where, f"{text!r} leads out of the project", hint)
    if not exists:
        guess = did_you_mean(path.name, _siblings(path.parent))
        return place.document.problem(where, f"no file {text!r}", guess or RELATIVE)
    if not regular:
        return place.document.problem(where, f"{text!r} is not a file", "name a regular file")
    return path


def _siblings(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
