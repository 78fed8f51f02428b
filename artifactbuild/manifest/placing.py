"""Where a first manifest goes, and the name that it gives its model; nothing is run for that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild.data import encode
from artifactbuild.manifest import files, find, load, schema, sources, text, writing
from artifactbuild.manifest.model import Manifest, Target, Tensor
from artifactbuild.manifest.writing import Remarks
from artifactbuild.problems import Problem, Refusal

MANIFESTS = "manifests"
"""The folder of a project in which models that have no folder of their own get one."""

GENERIC = frozenset(
    ("app", "factories", "factory", "init", "main", "model", "models", "net", "network", "src")
)
"""Names of functions and modules that say nothing of the model in them."""

_VERB = re.compile(r"^(make|build|create|get|new)_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a first manifest is asked for; what is None or empty is to be found out."""

    factory: Target
    name: str | None
    folder: Path | None
    version: str
    seed: int
    kwargs: Mapping[str, Any]
    inputs: tuple[Tensor, ...]
    formats: tuple[str, ...]

    def problem(self, message: str, hint: str = "") -> Problem:
        """Tell a problem of the wish: there is no file yet that it could stand in."""
        return Problem(file=str(self.factory), message=message, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a manifest will lie, and the project around it; `manifest` is an absolute path."""

    name: str
    manifest: Path
    project: Path


def place(wish: Wish, here: Path) -> Place:
    """Decide where the manifest goes, looking from the folder `here`.

    Raises:
        Refusal: when the module is not found, or a manifest or its name is there already.
    """
    folder, name = _folder(wish, here)
    manifest = folder / find.NAME
    where = Place(name=name, manifest=manifest, project=load.project_of(manifest))
    problems = [*_faults(wish, where)] or [*_taken(wish, where)]
    if problems:
        raise Refusal(*problems)
    return where


def stub(wish: Wish, name: str) -> dict[str, Any]:
    """Return the manifest's data as far as it is known before the factory is run."""
    data: dict[str, Any] = {
        "schema_version": 1,
        "name": name,
        "version": wish.version,
        "factory": str(wish.factory),
        "seed": wish.seed,
        "formats": {format: {} for format in wish.formats or schema.format_names()},
        "reference_inputs": [],
    }
    data |= {"kwargs": dict(wish.kwargs)} if wish.kwargs else {}
    return data | ({"input_signature": encode(wish.inputs)} if wish.inputs else {})


def _folder(wish: Wish, here: Path) -> tuple[Path, str]:
    """Return the folder and the name: as asked, else the first place that finds the module.

    A module of its own has its manifest beside it. One in a package, or an installed one, has it in
    a folder of its own under `manifests/`: a package holds many models, and only code.
    """
    if wish.folder is not None:
        return wish.folder, wish.name or _name(wish.factory, wish.folder)
    project = load.project_of(here / find.NAME)
    path = _located(wish.factory, here, project)
    if path is not None and _is_alone(wish.factory, path, project):
        return path.parent, wish.name or _name(wish.factory, path.parent)
    name = wish.name or _name(wish.factory, None)
    own = project / MANIFESTS / name
    found = _located(wish.factory, own, load.project_of(own / find.NAME))
    return (own if found == path else here), name


def _is_alone(factory: Target, path: Path, project: Path) -> bool:
    own = path.is_relative_to(project) and "site-packages" not in path.parts
    return own and "." not in factory.module and path.name != "__init__.py"


def _located(factory: Target, *folders: Path) -> Path | None:
    try:
        return sources.locate(factory.module, folders)
    except sources.NotFound:
        return None  # told with all other faults of the place


def _name(factory: Target, folder: Path | None) -> str:
    """Return a name out of the function, else the modules from the inside, else the folder."""
    words = [_VERB.sub("", factory.attribute), *reversed(factory.module.split("."))]
    words += [folder.name] if folder is not None else []
    names = [re.sub(r"[^a-z0-9_.-]+", "_", word.lower()).strip("._-") for word in words]
    return next((name for name in names if name and name not in GENERIC), "model")


def _taken(wish: Wish, where: Place) -> Iterator[Problem]:
    """Report a manifest that is there already, or that bears the same name in the project."""
    if where.manifest.exists():
        message = "there is a manifest already, and init never overwrites one"
        hint = "edit it, or name another folder and model: `--folder FOLDER --name NAME`"
        yield Problem(file=files.display(where.manifest), message=message, hint=hint)
        return
    for other in sorted(load.search(where.project)):
        try:
            data = text.read(load.content(other), files.display(other)).data
        except Refusal:
            continue  # `check` reports it; it takes no name
        if isinstance(data, dict) and data.get("name") == where.name:
            message = f"{files.display(other)} names its model {where.name!r} already"
            yield wish.problem(message, "name another with --name")


def _faults(wish: Wish, where: Place) -> Iterator[Problem]:
    """Hold what is known before the run against the schema and the files, as a build does."""
    data = stub(wish, where.name)
    content = writing.text(data, Remarks()).encode()
    document = text.read(content, files.display(where.manifest))
    found = [*document.problems, *schema.check(document)]
    found = [problem for problem in found if "reference_inputs" not in problem.message]
    if not found:
        known = Manifest.from_data(data)
        folder, project = where.manifest.parent, where.project
        found = [*files.check(known, document, folder=folder, project=project)]
    yield from (wish.problem(problem.message, problem.hint) for problem in found)
