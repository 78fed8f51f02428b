"""From a factory to its first manifest: the factory is run once, and its model asked."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifactbuild import plan as planning
from artifactbuild.data import decode
from artifactbuild.job import shown
from artifactbuild.manifest import import_time, load, schema, writing
from artifactbuild.manifest.model import Manifest
from artifactbuild.manifest.placing import Place, Wish, stub
from artifactbuild.manifest.writing import Remarks
from artifactbuild.problems import Refusal, WorkerLost
from artifactbuild.release.store import Store
from artifactbuild.resources import schema_file
from artifactbuild.worker.confinement import Confinement
from artifactbuild.worker.messages import FACTORY_ENDED, ProposeReport, ProposeRequest, Tell
from artifactbuild.worker.server import Server

LOG = "build.log"
WELCOME = """\
# Written by `artifactbuild init`, and yours from here on. It builds as it stands: now leave out the
# formats that nobody needs, and tell under `metadata` what the model is and was trained on."""

SCHEMAS = "schemas"
"""The folder of a project that holds the schema for its editors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What was written: `schema` and `log` are empty where that was not needed.

    `left_out` says of each format that is not asked for why it cannot hold the model; `log` is the
    file of what the factory printed.
    """

    model: str
    manifest: str
    formats: tuple[str, ...]
    left_out: Mapping[str, str]
    schema: str
    log: str


def propose(wish: Wish, where: Place, store: Store, server: Server, tell: Tell) -> Proposed:
    """Run the factory once, and write the manifest that the model it makes asks for.

    Raises:
        Refusal: when there is nothing to propose; nothing was written.
        WorkerLost: when the worker failed by a mistake of ours.
    """
    folder = where.manifest.parent
    found = import_time.training(wish.factory.module, folder, where.project)
    if found is not None:
        raise Refusal(wish.problem(found.told(where.project), import_time.CURE))
    fresh = _missing(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        report, log = _report(wish, where, store, server, tell)
        data, left_out = _chosen(wish, report)
        copied = _write(where, data, Remarks(left_out=left_out, inputs=report.inputs or {}))
    except BaseException:
        with contextlib.suppress(OSError):  # the factory may have left something there
            for made in fresh:
                made.rmdir()
        raise
    return Proposed(
        model=where.name,
        manifest=shown(where.manifest),
        formats=tuple(data["formats"]),
        left_out=left_out,
        schema=shown(copied) if copied else "",
        log=log,
    )


def _missing(folder: Path) -> list[Path]:
    """Return what is not there of a folder and those around it, the innermost first."""
    return [each for each in (folder, *folder.parents) if not each.exists()]


def _report(
    wish: Wish, where: Place, store: Store, server: Server, tell: Tell
) -> tuple[ProposeReport, str]:
    """Ask the worker; return its report, and the log's path if the factory printed anything."""
    request = ProposeRequest(
        manifest=stub(wish, where.name),
        project=str(where.project),
        folder=str(where.manifest.parent),
    )
    with store.staging(where.name, "init") as staged:
        log = staged / LOG
        try:
            confinement = _confinement(where, store)
            answer = server.run("propose", request, log, tell, confinement=confinement)
            report = decode(ProposeReport, answer)
        except WorkerLost as lost:
            kept = store.keep_proposed(staged, where.name)
            if lost.bug:
                raise WorkerLost(lost.cause, kept / lost.log.name, bug=True) from None
            message = f"the worker ended without a report: {lost.cause}"
            hint = f"what it printed last is in {lost.log.name}"
            raise Refusal(wish.problem(message, hint), kept=shown(kept)) from None
        if report.findings:
            kept = store.keep_proposed(staged, where.name)
            problems = [wish.problem(f.message, f.hint) for f in report.findings]
            raise Refusal(*problems, kept=shown(kept))
        if report.printed:
            _cut(log)
            return report, shown(store.keep_proposed(staged, where.name) / LOG)
    return report, ""


def _confinement(where: Place, store: Store) -> Confinement:
    own = (where.project, where.manifest.parent, store.root)
    return Confinement(
        project=str(where.project),
        folder=str(where.manifest.parent),
        protected=tuple(map(str, own)),
    )


def _cut(log: Path) -> None:
    """Leave in the log what the factory printed; what follows is the talk of converters."""
    log.write_bytes(log.read_bytes().partition(FACTORY_ENDED.encode())[0])


def _chosen(wish: Wish, report: ProposeReport) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the manifest's data with the formats that can be built, and why others cannot.

    Raises:
        Refusal: when none is left, or one that was asked for by name cannot.
    """
    data, left_out = dict(report.manifest or {}), dict(report.left_out or {})
    known = Manifest.from_data(data)
    hopeless = {name: planning.impossible(known, name, report.kind) for name in data["formats"]}
    left_out |= {name: why for name, why in hopeless.items() if why}
    data["formats"] = {n: each for n, each in data["formats"].items() if n not in left_out}
    if not data["formats"] or (wish.formats and left_out):
        hint = "leave it out of --format" if wish.formats else ""
        raise Refusal(*(wish.problem(why, hint) for why in left_out.values()))
    return data, {name: left_out[name] for name in schema.format_names() if name in left_out}


def _write(where: Place, data: Mapping[str, Any], remarks: Remarks) -> Path | None:
    """Write the manifest, and the schema for editors if the project has none yet.

    What is written was read back by the strict reader before. Returns the schema's copy, if new.
    """
    copy = where.project / SCHEMAS / schema_file(schema.NAME).name
    to_copy = Path(os.path.relpath(copy, where.manifest.parent)).as_posix()
    head = f"# yaml-language-server: $schema={to_copy}\n{WELCOME}\n\n"
    content = (head + writing.text(data, remarks)).encode()
    if load.parse(content, where.manifest).document.data != data:
        raise AssertionError(f"the manifest reads otherwise than was meant:\n{content.decode()}")
    new = not copy.exists()
    if new:
        copy.parent.mkdir(exist_ok=True)
        writing.create(copy, schema_file(schema.NAME).read_bytes())
    writing.create(where.manifest, content)
    return copy if new else None
