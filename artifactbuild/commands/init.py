"""`init`: from a Python function to a manifest that builds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from artifactbuild import proposal, screen
from artifactbuild.commands.options import ARTIFACTS, JSON
from artifactbuild.job import leaving, store
from artifactbuild.manifest.model import Target, Tensor
from artifactbuild.manifest.placing import Wish, place
from artifactbuild.manifest.schema import format_names
from artifactbuild.problems import Refusal
from artifactbuild.proposal import Proposed
from artifactbuild.release.store import HIDDEN
from artifactbuild.worker.server import Server

_ANY = frozenset(("null", "none", "?", ""))


def _target(value: str) -> Target:
    """Read `module:function`; a path is told how it is written instead."""
    path, _, function = value.partition(":")
    if path.endswith(".py"):
        message = f"{value!r} is a path: write {_dotted(Path(path), function or 'FUNCTION')}"
        raise click.BadParameter(message)
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", value, re.ASCII):
        raise click.BadParameter(f"{value!r} is not module:function, such as model:make_model")
    return Target.parse(value)


def _dotted(file: Path, function: str) -> str:
    """Return the target that a file means: in a package the dotted name, else with its folder."""
    if (file.parent / "__init__.py").exists() and not file.is_absolute():
        return f"{'.'.join(file.with_suffix('').parts)}:{function}"
    near = f" --folder {file.parent}" if file.parent != Path() else ""
    return f"{file.stem}:{function}{near}"


def _input(value: str) -> Tensor:
    """Read `name:dtype:shape`; the schema judges the parts."""
    name, dtype, shape = [*value.split(":"), "", ""][:3]
    sizes = [size.strip().lower() for size in shape.strip("[]()").rstrip(",").split(",")]
    if not all(size.isdecimal() or size in _ANY for size in sizes) or not dtype or not shape:
        message = f"{value!r} is not NAME:DTYPE:SHAPE, such as x:float32:null,32"
        raise click.BadParameter(message)
    return Tensor(name=name, shape=tuple(_size(size) for size in sizes), dtype=dtype)


def _size(text: str) -> int | None:
    return None if text in _ANY else int(text)


def _inputs(values: tuple[str, ...]) -> tuple[Tensor, ...]:
    return tuple(map(_input, values))


def _kwargs(value: str) -> dict[str, Any]:
    """Read the arguments of the factory."""
    try:
        found = json.loads(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.BadParameter(f'{value!r} is no JSON object, such as {{"units": 16}}')
    return found


def _read_by(parse: Callable[[Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """Return a callback of click that reads a value."""
    return lambda _context, _parameter, value: parse(value)


@click.command("init")
@click.argument("factory", callback=_read_by(_target), metavar="MODULE:FUNCTION")
@click.option("--name", help="The model's name.  [default: out of function, module or folder]")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    help="Where the manifest goes.  [default: beside a module of its own, else manifests/NAME]",
)
@click.option("--version", default="v1", show_default=True, help="The model's first version.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--kwargs", callback=_read_by(_kwargs), default="{}", help="Arguments of the factory, as JSON."
)
@click.option(
    "--input",
    "inputs",
    callback=_read_by(_inputs),
    multiple=True,
    metavar="NAME:DTYPE:SHAPE",
    help="An input that the model does not tell of; may be repeated.",
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(format_names()),
    multiple=True,
    help="Only this format; may be repeated.  [default: all that can hold the model]",
)
@ARTIFACTS
@JSON
def command(artifacts: Path | None, as_json: bool, folder: Path | None, **asked: Any) -> None:
    """Write the first manifest of a factory: MODULE:FUNCTION that returns a Keras model.

    Runs the factory once, asks the model for its inputs, custom objects, training and formats, and
    tries reference inputs until its outputs vary. The manifest builds as it stands. Nothing that is
    there is overwritten.
    """
    wish = Wish(folder=folder, **asked)
    where = place(wish, Path.cwd())
    own = store(where.project, artifacts)
    if problems := leaving(own, where.project, ("", *HIDDEN)):
        raise Refusal(*problems)
    with Server(warn=screen.warning) as server, screen.progress() as tell:
        made = proposal.propose(wish, where, own, server, tell)
    if as_json:
        screen.answer(made)
    else:
        _say(made)


def _say(made: Proposed) -> None:
    rows = [(made.manifest, "written", f"{made.model}: {', '.join(made.formats)}")]
    if made.schema:
        rows.append((made.schema, "written", "for completion in editors"))
    if made.log:
        rows.append((made.log, "kept", "what the factory printed"))
    screen.say(screen.table(rows))
    left_out = (f"  {name} is left out: {why}" for name, why in made.left_out.items())
    screen.note(*left_out, f"now run `artifactbuild build {made.manifest}`")
