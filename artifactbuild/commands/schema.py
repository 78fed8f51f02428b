"""`schema`: the language of manifests as JSON Schema, for editors."""

from __future__ import annotations

import click

from artifactbuild import screen
from artifactbuild.manifest.schema import NAME
from artifactbuild.resources import schema_file


@click.command("schema")
@click.option("--path", "as_path", is_flag=True, help="Print where the installed file is instead.")
def command(as_path: bool) -> None:
    """Print the JSON Schema of manifests.

    `artifactbuild schema > schemas/model.artifact.schema.json` brings a project's copy up to date.
    """
    file = schema_file(NAME)
    if as_path:
        screen.say([str(file)])
    else:
        screen.document(file.read_text(encoding="utf-8"))
