"""`site`: all that is published, as one folder of static pages."""

from __future__ import annotations

from pathlib import Path

import click

from artifactbuild import screen
from artifactbuild.commands.options import ARTIFACTS, JSON, jobs
from artifactbuild.job import shown
from artifactbuild.site import folder, pages, shelf, standing
from artifactbuild.site.shelf import Model


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

    Of manifests, their models, and the drift that `check` finds; of a tree of artifacts,
    everything. Loads no payload, runs no code of the project and does not start TensorFlow.
    """
    trees = tuple(Path(path) for path in paths if standing.is_tree(Path(path)))
    named = tuple(path for path in paths if Path(path) not in trees)
    work = jobs(named, artifacts) if named or not trees else ()
    drift = {job.name: standing.disagreements(job) for job in work}
    models = shelf.read(standing.wanted(trees, work), drift)
    changed = folder.write(pages.render(models), output)
    index = shown(output.absolute() / pages.INDEX)
    if as_json:
        screen.answer({"index": index, "changed": changed, "models": _told(models)})
        return
    versions = sum(len(model.versions) for model in models)
    state = "" if changed else ", unchanged"
    counted = f"{_count(len(models), 'model')}, {_count(versions, 'version')}"
    screen.say([f"{index}: {counted}{state}"])


def _told(models: tuple[Model, ...]) -> dict[str, list[str]]:
    return {model.name: [version.name for version in model.versions] for model in models}


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
