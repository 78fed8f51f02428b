"""`card`: render model cards again, from the records and a template."""

from __future__ import annotations

from pathlib import Path

import click

from artifactbuild import screen
from artifactbuild.commands.options import ARTIFACTS, JSON, PATHS, jobs
from artifactbuild.job import Job
from artifactbuild.problems import Refusal
from artifactbuild.release import card, record


@click.command("card")
@PATHS
@click.option("--format", "formats", multiple=True, help="Only this format; may be repeated.")
@ARTIFACTS
@JSON
def command(
    paths: tuple[str, ...], formats: tuple[str, ...], artifacts: Path | None, as_json: bool
) -> None:
    """Print the model cards of the published version, rendered from metadata.json.

    A published card never changes; this shows what a template would make of the record.
    """
    cards = {
        f"{job.name}/{name}/{job.version}": text
        for job in jobs(paths, artifacts)
        for name, text in _cards(job, formats)
    }
    if as_json:
        screen.answer(cards)
    else:
        screen.document("\n".join(cards.values()))


def _cards(job: Job, formats: tuple[str, ...]) -> list[tuple[str, str]]:
    wanted = [f.name for f in job.loaded.manifest.formats if not formats or f.name in formats]
    found = [n for n in wanted if job.store.is_published(job.name, n, job.version)]
    if not found:
        asked = f" in {', '.join(formats)}" if formats else ""
        message = f"{job.name} {job.version} is not published{asked}"
        document = job.loaded.document
        hint = f"run `artifactbuild build {document.file}`"
        raise Refusal(document.problem(("version",), message, hint))
    folders = {name: job.store.folder(job.name, name, job.version) for name in found}
    return [
        (n, card.render_file(folder / record.FILE, job.template)) for n, folder in folders.items()
    ]
