"""Ask for every format of a kind; what is refused is left out until the rest is published."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifactbuild import pipeline
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.manifest.schema import format_names
from artifactbuild.problems import Problem, Refusal, WorkerLost
from artifactbuild.release import record
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Check, Record
from artifactbuild.worker.formats import FORMATS
from artifactbuild.worker.formats.protocol import Trusted
from artifactbuild.worker.server import Server
from tests.kinds.nouns import Kind

EXACT, CLOSE, REFUSED = "exact", "close", "refused: "
UNSETTLED = "unsettled"
"""Neither proven nor refused as it should be: a fault of ours, on which the suite fails."""

LONGEST = 700
"""How many characters a message, its hint and the line that it points to may take."""

RESUMED = ("factories.training", "factories.custom", "factories.structures")
"""Where the continue-training proof is taken too; it costs most of the time."""

LATE = ("fails validation", " raised ", " values differ", "Traceback", "the worker ended")
"""What a message says when the refusal came only after the file was written, or by accident."""

_ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one kind in one format; `faults` is what is wrong with that answer.

    `max_abs` is the largest difference that any check of the published artifact showed.
    """

    said: str
    faults: tuple[str, ...] = ()
    max_abs: float = 0.0


def project(folder: Path) -> Path:
    """Lay out a project that holds the factories."""
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    here = Path(__file__).parent / "factories"
    shutil.copytree(here, folder / "factories", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def prove(kind: Kind, folder: Path, server: Server) -> dict[str, Verdict]:
    """Return a verdict for every format; each refusal costs one more build."""
    manifest = folder / "manifests" / kind.name / "model.artifact.yaml"
    manifest.parent.mkdir(parents=True)
    verdicts: dict[str, Verdict] = {}
    wanted = list(format_names())
    while wanted:
        lines = _write(kind, manifest, wanted)
        try:
            outcome = pipeline.build(job(load(manifest), None), server, lambda text: None).outcome
        except Refusal as refusal:
            refused = _refused(refusal, lines, wanted)
        except WorkerLost as lost:
            refused = dict.fromkeys(wanted, Verdict(said=UNSETTLED, faults=(lost.cause,)))
        else:
            at = {result.format: Path.cwd() / result.folder for result in outcome.results}
            return verdicts | {name: _proven(at[name]) for name in wanted}
        verdicts |= refused
        wanted = [name for name in wanted if name not in refused]
    return verdicts


def _write(kind: Kind, path: Path, formats: Sequence[str]) -> dict[int, str]:
    """Write the manifest; return which of its lines names which format."""
    inputs = [{"name": i.name, "shape": list(i.shape), "dtype": i.dtype} for i in kind.inputs]
    case = {"name": "rows"} | {i.name: i.reference(n) for n, i in enumerate(kind.inputs)}
    lines = [
        "schema_version: 1",
        f"name: {kind.name}",
        "version: v1",
        f"factory: {kind.module}:make_{kind.name}",
        "seed: 1",
        f"custom_objects: {json.dumps(kind.custom_objects)}",
        f"input_signature: {json.dumps(inputs)}",
        f"reference_inputs: {json.dumps([case])}",
        "formats:",
    ]
    first = len(lines) + 1
    lines += [f"  {name}: {{}}" for name in formats]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return dict(enumerate(formats, first))


def _refused(refusal: Refusal, lines: dict[int, str], wanted: Sequence[str]) -> dict[str, Verdict]:
    """Give each format the problems that stand at it; what stands elsewhere refuses them all."""
    found: dict[str, list[Problem]] = {}
    for problem in refusal.problems:
        if problem.line in lines:
            found.setdefault(lines[problem.line], []).append(problem)
    suspects = [problem for problem in refusal.problems if problem.line not in lines]
    if found and suspects:
        found = dict.fromkeys(found, suspects)
    if not found:
        found = {name: list(refusal.problems) for name in wanted}
    return {name: _verdict(problems) for name, problems in found.items()}


def _verdict(problems: list[Problem]) -> Verdict:
    faults = tuple(fault for problem in problems for fault in _faults(problem))
    reason = problems[0].message.split("; ")[0]
    return Verdict(said=UNSETTLED if faults else f"{REFUSED}{reason}", faults=faults)


def _faults(problem: Problem) -> list[str]:
    text = problem.render()
    faults = []
    if any(late in problem.message for late in LATE):
        faults.append(f"is no reason, and comes too late: {problem.message}")
    if _ADDRESS.search(text):
        faults.append(f"shows a memory address, another one each time: {problem.message}")
    if len(text) > LONGEST:
        faults.append(f"takes {len(text)} characters: {text}")
    if not problem.hint:
        faults.append(f"names no way out: {problem.message}")
    return faults


def _proven(folder: Path) -> Verdict:
    """Read what the record says: every loader meets its own reference to the bit, or comes close.

    It is the bound that decides, not the figure: figures depend on the machine.
    """
    made = record.read(folder)
    checks = made.checks
    exact = {check.loader for check in checks if _is_exact(check)}
    loaders = {check.loader for check in checks if check.loader != "model"}
    worst = max((check.max_abs or 0.0 for check in checks), default=0.0)
    faults = [f"published, and {c.loader} failed: {c.detail}" for c in checks if not c.passed]
    if not loaders:
        faults.append("published, and no loader was run")
    faults += [
        f"published, and --static refuses it: {fault.message}" for fault in _static(made, folder)
    ]
    said = UNSETTLED if faults else EXACT if loaders <= exact else CLOSE
    return Verdict(said=said, faults=tuple(faults), max_abs=worst)


def _static(made: Record, folder: Path) -> list[Fault]:
    """Read what an honest artifact contains, as `verify --static` does without its manifest."""
    trusted = Trusted(operations=frozenset(), lambdas=False, declaration=None)
    found = FORMATS[made.format].inspect(folder, made, trusted)
    return [each for each in found if isinstance(each, Fault)]


def _is_exact(check: Check) -> bool:
    return (check.compared, check.compare) == ("outputs", "exact") and check.passed
