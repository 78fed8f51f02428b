"""`verify`: is what was published still what was validated?"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from artifactbuild import screen, verification
from artifactbuild.commands.options import ARTIFACTS, JSON, jobs
from artifactbuild.data import encode
from artifactbuild.problems import Refusal
from artifactbuild.release import identity, signing
from artifactbuild.release.identity import Expected
from artifactbuild.release.standing import NONE
from artifactbuild.targets import Target, artifacts_below, matched, of_manifest
from artifactbuild.verification import Verdict
from artifactbuild.worker import sandbox
from artifactbuild.worker.server import Server

PATHS = click.argument("paths", nargs=-1, metavar="[ARTIFACT|ARTIFACTS|MANIFEST|FOLDER]...")


@click.command("verify")
@PATHS
@click.option("--static", is_flag=True, help="Read what the files contain, too.")
@click.option("--run", "again", is_flag=True, help="Load them again, shut off, and compare.")
@click.option(
    "--with-sources",
    "sources",
    is_flag=True,
    help="With --run: run the code of the manifests' projects, too.",
)
@click.option(
    "--no-sandbox",
    "bare",
    is_flag=True,
    help="With --run: go on where bubblewrap is missing; an artifact can then do what you can.",
)
@click.option(
    "--allow-op",
    "operations",
    multiple=True,
    metavar="OP",
    help="Let an operation of TensorFlow through that is not in the list; may be repeated.",
)
@click.option(
    "--public-key",
    "key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Every artifact must be signed by the owner of this key (PEM).",
)
@click.option(
    "--expect",
    metavar=identity.GRAMMAR,
    callback=lambda _context, _option, text: _expected(text),
    help="Every artifact must be this one, such as digits@v1/keras, digits@v1 or digits/keras.",
)
@ARTIFACTS
@JSON
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[str, ...],
    static: bool,
    again: bool,
    sources: bool,
    bare: bool,
    operations: tuple[str, ...],
    key: Path | None,
    expect: Expected | None,
    artifacts: Path | None,
    as_json: bool,
) -> None:
    """Hold published artifacts against their records and locks.

    Takes artifacts, a whole artifacts folder or a part of it, manifests, or folders to search for
    manifests; a manifest among them brings its lock. Every file is held against the record, and
    record and card against the lock, before anything is opened.

    In an artifacts root, and in a folder that is named after a format, the record must state the
    model, format and version of the place. Elsewhere --expect says which artifact it must be.

    With --static, the files are then read for what they contain, without loading them: classes,
    operations, links, archives. Neither runs any code of the project or of an artifact.

    With --run, that is done, and artifacts are then loaded in processes without network, home or
    much else, to be compared with their reference data. Loaders that need the project's code run
    only --with-sources. It needs bubblewrap, which shuts them in, or --no-sandbox.
    """
    if sources and not again:
        raise click.UsageError("--with-sources is for --run")
    if key is not None:
        signing.hold_key(key)
    if bare and not again:
        raise click.UsageError("--no-sandbox is for --run")
    if again and not bare:
        sandbox.refuse_none()
    named = targets(paths, artifacts)
    found = [verification.examined(target, expect, artifacts) for target in named]
    verdicts = [verification.signed(t, e, key) for t, e in zip(named, found, strict=True)]
    if static or again:
        verdicts = _inspected(named, verdicts, operations)
    if again:
        pairs = zip(named, verdicts, strict=True)
        verdicts = [verification.rerun(*pair, sources=sources) for pair in pairs]
    if as_json:
        shown = [{**encode(each), "verdict": each.verdict} for each in verdicts]
        screen.answer(shown)
        if any(each.faults for each in verdicts):
            context.exit(1)
        return
    screen.say(screen.table([_row(each) for each in verdicts]))
    if problems := [problem for each in verdicts for problem in each.problems()]:
        raise Refusal(*problems)


def targets(paths: tuple[str, ...], artifacts: Path | None) -> list[Target]:
    """Return what the arguments name, each artifact once."""
    folders = {path: artifacts_below(Path(path)) for path in paths}
    rest = tuple(path for path, found in folders.items() if not found)
    work = jobs(rest, artifacts) if rest or not paths else ()
    alone = [matched(each, work) for found in folders.values() for each in found]
    named = {target.folder.absolute() for target in alone}
    of_manifests = [] if alone else [t for job in work for t in of_manifest(job)]
    return [*alone, *(t for t in of_manifests if t.folder.absolute() not in named)]


def _inspected(
    named: list[Target], verdicts: list[Verdict], operations: tuple[str, ...]
) -> list[Verdict]:
    with Server() as server, tempfile.TemporaryDirectory(prefix="artifactbuild-") as logs:
        return [
            verification.inspected(target, verdict, operations, server, Path(logs, str(index)))
            for index, (target, verdict) in enumerate(zip(named, verdicts, strict=True))
        ]


_AGAINST = {
    "": "record, no lock",
    "own": "record, and the payload of the lock",
    "released": "record and lock",
}


def _row(verdict: Verdict) -> tuple[str, ...]:
    lock = _AGAINST[verdict.facts]
    static = "contents read" if verdict.static else ""
    if verdict.static and verdict.unverified:
        static += f"; declared names not verified: {', '.join(verdict.unverified)}"
    files = f"{verdict.files} files"
    unsaid = verdict.provenance in (NONE, verification.NOT_CHECKED)
    provenance = "" if unsaid else f"provenance {verdict.provenance}"
    return (
        verdict.folder,
        verdict.verdict,
        verdict.identity,
        files,
        lock,
        verdict.signature,
        provenance,
        static,
        _ran(verdict),
    )


def _expected(text: str | None) -> Expected | None:
    if text is None:
        return None
    try:
        return identity.expected(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _ran(verdict: Verdict) -> str:
    if verdict.run is None:
        return ""
    by = ", ".join(verdict.run.loaders) or "no loader without the project's code"
    return f"run by {by} (sandbox: {verdict.run.sandbox})"
