"""The door: from a path to a manifest that stands up, or to all its problems."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.manifest import files, meaning, schema, text
from artifactbuild.manifest import find as places
from artifactbuild.manifest.model import Manifest
from artifactbuild.manifest.text import Document
from artifactbuild.problems import Problem, Refusal
from artifactbuild.reading import Unreadable, opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A manifest with its text and its place; both paths are absolute."""

    manifest: Manifest
    document: Document
    path: Path
    project: Path


def load(path: Path) -> Loaded:
    """Read a manifest; raises Refusal with all its problems."""
    path = _absolute(path)
    return parse(_bytes(path, project_of(path)), path)


def parse(raw: bytes, path: Path) -> Loaded:
    """Read a manifest's bytes as if they lay at an absolute path; raises Refusal like `load`."""
    project = project_of(path)
    document = text.read(raw, files.display(path))
    broken = [*document.problems, *schema.check(document)]
    if broken:
        _refuse(document, [*broken, *_looked_up(document, path, project)])
    manifest = Manifest.from_data(document.data)
    looked_up = files.check(manifest, document, folder=path.parent, project=project)
    _refuse(document, [*meaning.check(manifest, document), *looked_up])
    return Loaded(manifest=manifest, document=document, path=path, project=project)


def _looked_up(document: Document, path: Path, project: Path) -> tuple[Problem, ...]:
    """Look up what the sound part of a manifest names, so that all mistakes are told at once."""
    sound = schema.sound(document)
    if sound is None:
        return ()
    manifest = Manifest.from_data(sound)
    return files.check(manifest, document, folder=path.parent, project=project)


def load_all(arguments: Sequence[str], start: Path) -> tuple[Loaded, ...]:
    """Read every manifest that the arguments name; raises Refusal with the problems of all."""
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    for path in find(arguments, start):
        try:
            loaded.append(load(path))
        except Refusal as refusal:
            problems += refusal.problems
    problems += namesakes(loaded)
    if problems:
        raise Refusal(*problems)
    return tuple(loaded)


def project_of(path: Path) -> Path:
    """Find the project of a manifest, as an absolute path."""
    return Path(places.project_of(str(_absolute(path).parent)))


def find(arguments: Sequence[str], start: Path) -> tuple[Path, ...]:
    """Find the manifests that the arguments name; raises Refusal when one names none."""
    return tuple(map(Path, places.manifests(arguments, str(start))))


def namesakes(loaded: Iterable[Loaded]) -> tuple[Problem, ...]:
    """Report the manifests of one project that bear the name of an earlier one."""
    first: dict[tuple[Path, str], Loaded] = {}
    problems = []
    for each in loaded:
        earlier = first.setdefault((each.project, each.manifest.name), each)
        if earlier.path != each.path:
            message = f"model {each.manifest.name!r} is also that of {earlier.document.file}"
            problems.append(each.document.problem(("name",), message, "rename one of the two"))
    return tuple(problems)


def _refuse(document: Document, problems: Sequence[Problem]) -> None:
    if problems:
        raise Refusal(*sorted(problems, key=lambda each: _order(document, each)))


def _order(document: Document, problem: Problem) -> tuple[bool, int, int]:
    return problem.file != document.file, problem.line or 0, problem.column or 0


def content(path: Path) -> bytes:
    """Read a manifest; raises Refusal when it cannot be read, or leads out of its project."""
    return _bytes(_absolute(path), project_of(path))


def _bytes(path: Path, project: Path) -> bytes:
    """Read a manifest; a link out of the project would show what lies there in the problems."""
    try:
        inside = path.resolve().is_relative_to(project.resolve())
    except (OSError, RuntimeError) as error:  # Python before 3.13 has an error of its own for loops
        message = "cannot be read: it is a link that leads in a circle"
        problem = Problem(file=files.display(path), message=message, hint="replace it with a file")
        raise Refusal(problem) from error
    if not inside:
        message = "is a link that leads out of the project"
        hint = "copy the manifest into the project"
        raise Refusal(Problem(file=files.display(path), message=message, hint=hint))
    try:
        with opened(path) as stream:
            return stream.read(text.MAX_BYTES + 1)
    except (Unreadable, OSError) as error:
        problem = Problem(file=files.display(path), message=f"cannot be read: {error}")
        raise Refusal(problem) from error


def search(folder: Path) -> Iterator[Path]:
    """Yield the manifests in a folder, but for hidden ones and those of environments."""
    return map(Path, places.search(str(folder)))


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))
