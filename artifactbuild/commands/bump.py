"""`bump`: give a changed model a version of its own."""

from __future__ import annotations

from pathlib import Path

import click

from artifactbuild import screen
from artifactbuild.commands.options import JSON, PATHS
from artifactbuild.manifest import load, versions


@click.command("bump")
@PATHS
@click.option("--to", metavar="VERSION", help="The new version, instead of the next one.")
@click.option("--major", "part", flag_value="major", help="1.2.3 becomes 2.0.0.")
@click.option("--minor", "part", flag_value="minor", help="1.2.3 becomes 1.3.0.")
@click.option("--patch", "part", flag_value="patch", default=True, help="1.2.3 becomes 1.2.4.")
@JSON
def command(paths: tuple[str, ...], to: str | None, part: str, as_json: bool) -> None:
    """Write the next version into manifests; nothing else in them changes.

    v1 becomes v2, 1.0.0 becomes 1.0.1.
    """
    bumped = {}
    for path in load.find(paths, Path.cwd()):
        bumped[path] = versions.bumped(path, to, part)
    for path, change in bumped.items():
        path.write_bytes(change.content)
    shown = [{"manifest": c.file, "before": c.before, "version": c.after} for c in bumped.values()]
    if as_json:
        screen.answer(shown)
        return
    screen.say(f"{each.file}: {each.before} → {each.after}" for each in bumped.values())
