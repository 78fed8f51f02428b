"""`site`: all that is published, as one folder of static pages."""

from __future__ import annotations

from pathlib import Path

import click

from artifactbuild import pipeline
from artifactbuild.commands.options import ARTIFACTS, JSON, jobs
from artifactbuild.data import dumps
from artifactbuild.job import Job, shown
from artifactbuild.plan import UP_TO_DATE
from artifactbuild.release.site import folder, pages, shelf
from artifactbuild.release.site.shelf import Model, State, Wanted
from artifactbuild.release.store import Store


@click.command("site")
@click.argument("paths", nargs=-1, metavar="[MANIFEST|FOLDER|ARTIFACTS]...")
@click.option(
    "--output",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where the pages go; only a folder that this verb made is written again.",
)
@ARTIFACTS
@JSON
def command(paths: tuple[str, ...], output: Path, artifacts: Path | None, as_json: bool) -> None:
    """Render all that is published as static pages: an index, a page for each model and version.

    Of manifests, their models, and whether these are as their locks say; of a tree of artifacts,
    everything. Opens no payload, runs no code of the project and does not start TensorFlow.
    """
    trees = tuple(path for path in paths if _is_tree(Path(path)))
    named = tuple(path for path in paths if path not in trees)
    work = jobs(named, artifacts) if named or not trees else ()
    models = shelf.read(_wanted(trees, work), {job.name: _states(job) for job in work})
    changed = folder.write(pages.render(models), output)
    index = shown(output.absolute() / pages.INDEX)
    if as_json:
        click.echo(dumps({"index": index, "changed": changed, "models": _told(models)}), nl=False)
        return
    versions = sum(len(model.versions) for model in models)
    state = "" if changed else ", unchanged"
    click.echo(f"{index}: {_count(len(models), 'model')}, {_count(versions, 'version')}{state}")


def _is_tree(path: Path) -> bool:
    """Tell whether a folder holds published versions itself, as `artifacts/` does."""
    return path.is_dir() and next(Store(root=path).versions(), None) is not None


def _wanted(trees: tuple[str, ...], work: tuple[Job, ...]) -> list[Wanted]:
    """Return each store once: whole if it was named, else with the models of its manifests."""
    whole = {Path(tree).resolve() for tree in trees}
    of_manifests: dict[Path, set[str]] = {}
    for job in work:
        of_manifests.setdefault(job.store.root.resolve(), set()).add(job.name)
    return [
        *(Wanted(store=Store(root=root)) for root in sorted(whole)),
        *(
            Wanted(store=Store(root=root), models=frozenset(names))
            for root, names in sorted(of_manifests.items())
            if root not in whole
        ),
    ]


def _states(job: Job) -> tuple[State, ...]:
    """Return how each format that a manifest asks for stands, as `plan` sees it."""
    made = pipeline.plan(job)
    return tuple(
        State(
            version=made.version,
            format=step.format,
            good=step.reason == UP_TO_DATE,
            reason=step.reason,
        )
        for step in made.steps
    )


def _told(models: tuple[Model, ...]) -> dict[str, list[str]]:
    return {model.name: [version.name for version in model.versions] for model in models}


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
