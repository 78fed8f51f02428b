"""The proof of each staged artifact: every loader in a clean process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from artifactbuild.data import decode
from artifactbuild.job import Job
from artifactbuild.manifest.model import Evaluation
from artifactbuild.manifest.rules import DEFAULT, rules
from artifactbuild.plan import Step
from artifactbuild.problems import Problem, Refusal
from artifactbuild.recording import Proof, facts, loaders
from artifactbuild.release import failure
from artifactbuild.release.record import Check, Facts, Loader, Measure
from artifactbuild.worker import room
from artifactbuild.worker.messages import BuildReport, Tell, ValidateReport, ValidateRequest
from artifactbuild.worker.server import Server

Pair = tuple[Step, Loader]


def prove(
    work: Job,
    report: BuildReport,
    steps: tuple[Step, ...],
    staged: Path,
    server: Server,
    tell: Tell,
) -> Mapping[str, Proof]:
    """Run every loader of every format.

    Raises:
        Refusal: when a check fails, with a problem for each format and failure.
    """
    pairs = [(step, loader) for step in steps for loader in loaders(report, step.format)]

    def validated(pair: Pair) -> ValidateReport:
        tell(f"validating {pair[0].format} by {pair[1].name}")
        return _validated(work, report, pair, staged, server)

    with ThreadPoolExecutor(server.room.jobs) as pool:
        try:
            found = list(zip(pairs, pool.map(validated, pairs), strict=True))
        except KeyboardInterrupt:
            server.stop()
            raise
    problems = _failures(work, found, staged)
    if problems:
        failing = {pair[0].format for pair, each in found if not all(c.passed for c in each.checks)}
        raise Refusal(*_suspects(work, facts(report), failing), *problems)
    return {step.format: _proof(step, report, found) for step in steps}


def _validated(
    work: Job, report: BuildReport, pair: Pair, staged: Path, server: Server
) -> ValidateReport:
    step, loader = pair
    known, manifest = facts(report), work.loaded.manifest
    names = tuple(tensor.name for tensor in known.outputs)
    request = ValidateRequest(
        folder=str(staged / step.format),
        loader=loader,
        search_path=tuple(map(str, work.search_path)),
        inputs=known.inputs,
        outputs=known.outputs,
        structure=known.structure,
        stateful=known.architecture.stateful,
        rules=rules(
            work.loaded.document.data,
            step.format,
            step.options,
            names,
            precision=known.architecture.precision,
        ),
        variables=known.variables,
        steps=manifest.validation.resume_steps,
        resumed=report.resumed,
        evaluation=_evaluation(work, loader),
        failure=str(staged / f"tensors_{step.format}_{loader.name}.npz"),
    )
    log = staged / f"validate_{step.format}_{loader.name}.log"
    need = room.of_payload(_size(staged / step.format))
    return decode(ValidateReport, server.run("validate", request, log, need=need))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _evaluation(work: Job, loader: Loader) -> Evaluation | None:
    """Return what is to be measured; a further signature answers another question."""
    evaluation = work.loaded.manifest.evaluate
    if evaluation is None or loader.against.startswith("signature:"):
        return None
    return replace(evaluation, file=str(work.loaded.path.parent / evaluation.file))


def _proof(step: Step, report: BuildReport, found: list[tuple[Pair, ValidateReport]]) -> Proof:
    own = [validated for (each, _), validated in found if each is step]
    of_model = {(m.metric, m.output): m.value for m in report.measures}
    return Proof(
        checks=tuple(check for validated in own for check in validated.checks),
        measures=tuple(_beside(m, of_model) for validated in own for m in validated.measures),
    )


def _beside(measure: Measure, of_model: Mapping[tuple[str, str], float]) -> Measure:
    return replace(measure, model=of_model[measure.metric, measure.output])


def _failures(work: Job, found: list[tuple[Pair, ValidateReport]], staged: Path) -> list[Problem]:
    """Return one problem for each format and failure; loaders that fail alike share it."""
    alike: dict[tuple[str, Check], list[Loader]] = {}
    for (step, loader), validated in found:
        failed = next((check for check in validated.checks if not check.passed), None)
        if failed is not None:
            same = replace(failed, loader="", count=0, max_abs=None, bound=None)
            alike.setdefault((step.format, same), []).append(loader)
    return [
        work.problem(
            ("formats", format),
            f"{format} fails validation by {_names(failing)}: "
            f"{failed.compared} against {failed.against}: {failed.detail}",
            _way_out(failed, _script(work, format, failing, staged)),
        )
        for (format, failed), failing in alike.items()
    ]


def _way_out(failed: Check, script: str) -> str:
    if failed.compared.endswith(" training steps"):
        return (
            "something it was compiled with does not come back whole (a loss whose config leaves "
            "out an argument?); `validation: {resume_steps: 0}` gives up the claim that training "
            "can go on"
        )
    if failed.compare != "allclose":
        return f"{script} shows it again"
    said = f"`{failed.rule}`" if failed.rule != DEFAULT else "the default"
    allowed = f"{failed.atol:g} + {failed.rtol:g} × |expected|"
    return f"{script} shows it again; {said} allows {allowed}, `tolerance:` of the format another"


def _names(failing: list[Loader]) -> str:
    *first, last = [repr(loader.name) for loader in failing]
    return f"{', '.join(first)} and {last}" if first else last


def _script(work: Job, format: str, failing: list[Loader], staged: Path) -> str:
    kept = work.store.failed(work.name, work.version)
    names = [failure.write_script(staged, kept, format, each, work.search_path) for each in failing]
    return names[0]


def _suspects(work: Job, known: Facts, failing: set[str]) -> list[Problem]:
    """Name what is known to be incomplete: configurations, untracked arrays, vocabularies."""
    return [
        *_incomplete(work, known),
        *_untracked(work, known),
        *(
            work.problem(
                ("formats", format),
                f"{format} holds weights alone, not the vocabularies of "
                f"{', '.join(map(repr, known.vocabularies))}",
                "the factory must make the same ones each time; or use keras or savedmodel",
            )
            for format in sorted(failing & {"weights", "weights_h5"})
            if known.vocabularies
        ),
    ]


def _untracked(work: Job, known: Facts) -> list[Problem]:
    return [
        work.problem(
            ("custom_objects", index),
            f"{item.target.split(':')[-1]} holds the NumPy arrays "
            f"{', '.join(map(repr, item.arrays))}, which no format saves",
            "make them weights (`self.add_weight`), or return them from `get_config`",
        )
        for index, item in enumerate(known.custom_objects)
        if item.arrays
    ]


def _incomplete(work: Job, known: Facts) -> list[Problem]:
    return [
        work.problem(
            ("custom_objects", index),
            f"{item.target.split(':')[-1]}.get_config() leaves out "
            f"{', '.join(map(repr, item.forgets))}: a reloaded one takes the default",
            "return it from `get_config`, as `__init__` takes it",
        )
        for index, item in enumerate(known.custom_objects)
        if item.forgets
    ]
