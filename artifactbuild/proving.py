"""The proof of each staged artifact: every loader in a clean process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from artifactbuild import recording
from artifactbuild.data import decode
from artifactbuild.job import Job
from artifactbuild.manifest.model import Evaluation
from artifactbuild.manifest.rules import DEFAULT, rules
from artifactbuild.plan import Step
from artifactbuild.problems import Problem, Refusal
from artifactbuild.recording import Complete, Proven, Staged, facts, loaders
from artifactbuild.release import durable, failure
from artifactbuild.release.record import Check, Facts, Loader, Measure
from artifactbuild.worker import room
from artifactbuild.worker.messages import (
    BuildReport,
    Part,
    Tell,
    ValidateReport,
    ValidateRequest,
)
from artifactbuild.worker.server import Server

Pair = tuple[Step, Loader]


class Proof:
    """The proof of each staged artifact, in the making: every loader in a process of its own.

    What lies whole in its folder is recorded, and validated beside the builder; only loaders that
    must go on training wait for the builder's report, which says where that leads to.
    """

    def __init__(
        self, work: Job, steps: tuple[Step, ...], staged: Path, server: Server, tell: Tell
    ) -> None:
        self._work = work
        self._steps = {step.format: step for step in steps}
        self._staged = staged
        self._server = server
        self._tell = tell
        self._moment = recording.moment(work, steps)
        recording.prepare(work)
        self._early: BuildReport | None = None
        self._records: dict[str, Future[Staged]] = {}
        self._running: dict[tuple[str, str], Future[ValidateReport]] = {}
        self._pool = ThreadPoolExecutor(server.room.jobs)
        self._disk = ThreadPoolExecutor(1)

    def __enter__(self) -> Proof:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing running: the staged files go, or go elsewhere."""
        if isinstance(error, KeyboardInterrupt):
            self._server.stop()
        self._pool.shutdown(cancel_futures=error is not None)
        self._disk.shutdown(cancel_futures=True)

    def take(self, part: Part) -> None:
        """Record a format that was written, and begin to validate it."""
        self._early = part.report or self._early
        assert self._early is not None
        step = self._steps[part.written]
        self._records[step.format] = self._pool.submit(self._recorded, self._early, step)
        self._disk.submit(durable.hurry, self._staged / step.format)
        for pair in _pairs(self._early, step):
            if not pair[1].resumes:
                self._begin(self._early, pair)

    def finish(self, report: BuildReport) -> tuple[Complete, ...]:
        """Run what has not begun yet, wait for all, and complete the records.

        Raises:
            Refusal: when a check fails, with a problem for each format and failure, or when files
                changed meanwhile.
        """
        pairs = [pair for step in self._steps.values() for pair in _pairs(report, step)]
        for pair in sorted(pairs, key=haste):  # the last one to end should not be a long one
            begun = self._running.get(_key(pair))
            if begun is None or begun.cancel():
                self._begin(report, pair)
        found = [(pair, self._running[_key(pair)].result()) for pair in pairs]
        problems = _failures(self._work, found, self._staged)
        if problems:
            failed = {s.format for (s, _), each in found if not all(c.passed for c in each.checks)}
            raise Refusal(*_suspects(self._work, facts(report), failed), *problems)
        proven = {name: _proven(step, report, found) for name, step in self._steps.items()}
        records = tuple(self._records[name].result() for name in self._steps)
        return recording.final(self._work, report, records, proven, self._staged)

    def _begin(self, report: BuildReport, pair: Pair) -> None:
        self._running[_key(pair)] = self._pool.submit(self._validated, report, pair)

    def _recorded(self, report: BuildReport, step: Step) -> Staged:
        return recording.provisional(self._work, report, step, self._staged, self._moment)

    def _validated(self, report: BuildReport, pair: Pair) -> ValidateReport:
        self._records[pair[0].format].result()
        self._tell(f"validating {pair[0].format} by {pair[1].name}")
        return _validated(self._work, report, pair, self._staged, self._server)


def _pairs(report: BuildReport, step: Step) -> list[Pair]:
    return [(step, loader) for loader in loaders(report, step.format)]


def _key(pair: Pair) -> tuple[str, str]:
    return pair[0].format, pair[1].name


def haste(pair: Pair) -> int:
    """Rank a loader by its time: the factory's, training steps, a Keras model, or a graph alone."""
    step, loader = pair
    if step.format in ("weights", "weights_h5"):
        return 0
    return 1 if loader.resumes else 2 if loader.restores else 3


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
        seen=report.seen,
        steps=manifest.validation.resume_steps,
        resumed=report.resumed,
        evaluation=_evaluation(work, loader),
        failure=str(staged / f"tensors_{step.format}_{loader.name}.npz"),
    )
    log = staged / f"validate_{step.format}_{loader.name}.log"
    need = room.of_payload(_size(staged / step.format))
    failure = Path(request.failure)
    failure.touch()  # the one file that the validator may write
    try:
        confinement = work.confinement("", request.failure)
        answer = server.run("validate", request, log, need=need, confinement=confinement)
    finally:
        if not failure.stat().st_size:
            failure.unlink()
    return decode(ValidateReport, answer)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _evaluation(work: Job, loader: Loader) -> Evaluation | None:
    """Return what is to be measured; a further signature answers another question."""
    evaluation = work.loaded.manifest.evaluate
    if evaluation is None or loader.against.startswith("signature:"):
        return None
    return replace(evaluation, file=str(work.loaded.path.parent / evaluation.file))


def _proven(step: Step, report: BuildReport, found: list[tuple[Pair, ValidateReport]]) -> Proven:
    own = [validated for (each, _), validated in found if each is step]
    of_model = {(m.metric, m.output): m.value for m in report.measures}
    return Proven(
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
