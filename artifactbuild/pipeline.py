"""The stages in order: manifest, plan, staged artifacts, checks, records, versions, lock."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from artifactbuild import plan as planning
from artifactbuild.data import decode
from artifactbuild.manifest import schema
from artifactbuild.manifest.load import Loaded
from artifactbuild.plan import Current, Plan, Published, Step
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import card, digest, environment, failure, lock, record
from artifactbuild.release.lock import Lock, Locked
from artifactbuild.release.record import Check, Facts, File, Inputs, Loader, Record
from artifactbuild.release.store import Store
from artifactbuild.resources import templates
from artifactbuild.worker.messages import (
    BuildReport,
    BuildRequest,
    Finding,
    Tell,
    ValidateReport,
    ValidateRequest,
)
from artifactbuild.worker.server import Server, WorkerLost

VALIDATORS = 2
"""How many validators of one model run beside each other."""

BESIDE_INPUTS = frozenset({"formats", "version"})
"""Keys of the manifest that are not inputs of every format: each step has its own."""

UNLIKE_LOCK = "published, unlike the lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one format: published, identical, up to date; where it is, its checks."""

    format: str
    outcome: str
    folder: str
    checks: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one manifest."""

    model: str
    version: str
    results: tuple[Result, ...]
    lock: str
    lock_changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One manifest on its way: where it lies, what is known of it, where it is published."""

    loaded: Loaded
    lock: Lock | None
    store: Store

    @property
    def name(self) -> str:
        """The model's name."""
        return self.loaded.manifest.name

    @property
    def version(self) -> str:
        """The version that the manifest asks for."""
        return self.loaded.manifest.version

    @property
    def search_path(self) -> tuple[Path, ...]:
        """Where the factory and the custom objects are looked for first."""
        return (self.loaded.path.parent, self.loaded.project)


def job(loaded: Loaded, artifacts: Path | None) -> Job:
    """Read the lock beside a manifest and find its store."""
    shown = _sibling(loaded, lock.path_of(loaded.path).name)
    root = artifacts if artifacts is not None else loaded.project / "artifacts"
    return Job(loaded=loaded, lock=lock.read(loaded.path, shown), store=Store(root=root))


def plan(work: Job) -> Plan:
    """Decide what would be done; reads digests, imports nothing of the project."""
    manifest = work.loaded.manifest
    published = {
        request.name: _published(folder)
        for request in manifest.formats
        if work.store.is_published(work.name, request.name, work.version)
        and (folder := work.store.folder(work.name, request.name, work.version))
    }
    remembered = [each.inputs for each in published.values()]
    if work.lock is not None and work.lock.version == work.version:
        remembered.append(work.lock.inputs)
    names = sorted({name for inputs in remembered for name in inputs.sources})
    current = Current(
        inputs=Inputs(manifest=_manifest_digests(work), sources=_source_digests(work, names)),
        environment=environment.here(),
    )
    return planning.make(manifest, current, work.lock, published)


def refusals(work: Job, made: Plan) -> tuple[Problem, ...]:
    """Return the located problem of a plan that cannot be carried out."""
    refused = made.of(planning.REFUSE)
    if not refused:
        return ()
    what = list(dict.fromkeys(change for step in refused for change in step.changes))
    document = work.loaded.document
    message = f"{work.name} {work.version} was released from other inputs: {'; '.join(what)}"
    hint = f"a released version never changes: run `artifactbuild bump {document.file}`"
    return (document.problem(("version",), message, hint),)


def build(work: Job, server: Server, tell: Tell) -> Outcome:
    """Carry a manifest's plan out: build, validate, record, publish, lock.

    Raises:
        Refusal: with located problems; nothing was published.
        WorkerLost: when a worker failed by a mistake of ours.
    """
    made = plan(work)
    refused = refusals(work, made)
    if refused:
        raise Refusal(*refused)
    steps = made.of(planning.BUILD)
    kept = tuple(_kept(work, step) for step in made.of(planning.KEEP))
    fresh = _made(work, steps, server, tell) if steps else ()
    order = [step.format for step in made.steps]
    results = tuple(sorted((*kept, *fresh), key=lambda result: order.index(result.format)))
    changed = _write_lock(work, results)
    shown = _sibling(work.loaded, lock.path_of(work.loaded.path).name)
    return Outcome(
        model=work.name, version=work.version, results=results, lock=shown, lock_changed=changed
    )


def _made(work: Job, steps: tuple[Step, ...], server: Server, tell: Tell) -> tuple[Result, ...]:
    """Stage, prove and publish; what was staged is kept when it cannot be published."""
    with work.store.staging(work.name, work.version) as staged:
        try:
            report = _built(work, steps, staged, server, tell)
            checks = _validated(work, report, steps, staged, server, tell)
            records = _recorded(work, report, steps, checks, staged)
            notes = _held_against_lock(work, records, staged)
        except WorkerLost as lost:
            kept = work.store.keep_failed(staged, work.name, work.version)
            if lost.bug:
                raise WorkerLost(lost.cause, kept / lost.log.name, bug=True) from None
            raise Refusal(_lost(work, lost), kept=_shown(kept)) from None
        except Refusal as refusal:
            kept = work.store.keep_failed(staged, work.name, work.version)
            raise Refusal(*refusal.problems, kept=_shown(kept)) from None
        tell("publishing")
        return tuple(_published_result(work, r, staged / r.format, notes) for r in records)


def _built(
    work: Job, steps: tuple[Step, ...], staged: Path, server: Server, tell: Tell
) -> BuildReport:
    """Run the builder; its findings become problems located in the manifest."""
    for step in steps:
        (staged / step.format).mkdir()
    request = BuildRequest(
        manifest=work.loaded.document.data,
        project=str(work.loaded.project),
        folder=str(work.loaded.path.parent),
        formats=tuple(step.format for step in steps),
        staging=str(staged),
        ignored=(str(work.store.root), str(Path(__file__).parent), str(templates())),
    )
    answer = server.run("build", request, staged / "build.log", tell)
    report = decode(BuildReport, answer)
    if report.findings:
        raise Refusal(*(_located(work, finding) for finding in report.findings))
    return report


def _validated(
    work: Job,
    report: BuildReport,
    steps: tuple[Step, ...],
    staged: Path,
    server: Server,
    tell: Tell,
) -> Mapping[str, tuple[Check, ...]]:
    """Run every loader of every format in a clean process each; all must pass."""
    pairs = [(step, loader) for step in steps for loader in _loaders(report, step.format)]

    def validated(pair: tuple[Step, Loader]) -> tuple[Check, ...]:
        tell(f"validating {pair[0].format} by {pair[1].name}")
        return _checks(work, report, *pair, staged, server)

    with ThreadPoolExecutor(VALIDATORS) as pool:
        found = list(pool.map(validated, pairs))
    problems = _failures(work, list(zip(pairs, found, strict=True)), staged)
    if problems:
        raise Refusal(*_suspects(work, _facts(report)), *problems)
    return {
        step.format: (
            *report.checks,
            *(c for (of, _), cs in zip(pairs, found, strict=True) if of is step for c in cs),
        )
        for step in steps
    }


def _checks(
    work: Job, report: BuildReport, step: Step, loader: Loader, staged: Path, server: Server
) -> tuple[Check, ...]:
    facts = _facts(report)
    request = ValidateRequest(
        folder=str(staged / step.format),
        loader=loader,
        search_path=tuple(map(str, work.search_path)),
        outputs=facts.outputs,
        tolerance=replace(work.loaded.manifest.validation.tolerance, **step.options["tolerance"]),
        variables=facts.variables,
        failure=str(staged / f"tensors_{step.format}_{loader.name}.npz"),
    )
    log = staged / f"validate_{step.format}_{loader.name}.log"
    return decode(ValidateReport, server.run("validate", request, log)).checks


def _failures(
    work: Job, found: list[tuple[tuple[Step, Loader], tuple[Check, ...]]], staged: Path
) -> list[Problem]:
    """Return one problem for each format and failure; loaders that fail alike share it."""
    alike: dict[tuple[str, str], list[Loader]] = {}
    for (step, loader), checks in found:
        failed = next((check for check in checks if not check.passed), None)
        if failed is not None:
            what = f"{failed.compared} against {failed.against}: {failed.detail}"
            alike.setdefault((step.format, what), []).append(loader)
    return [
        _located(
            work,
            Finding(
                path=("formats", format),
                message=f"{format} fails validation by {_names(loaders)}: {what}",
                hint=f"{_script(work, format, loaders, staged)} shows it again",
            ),
        )
        for (format, what), loaders in alike.items()
    ]


def _names(loaders: list[Loader]) -> str:
    return " and ".join(repr(loader.name) for loader in loaders)


def _script(work: Job, format: str, loaders: list[Loader], staged: Path) -> str:
    kept = work.store.failed(work.name, work.version)
    names = [failure.write_script(staged, kept, format, each, work.search_path) for each in loaders]
    return names[0]


def _suspects(work: Job, facts: Facts) -> list[Problem]:
    """Name the classes whose configuration is known to be incomplete."""
    return [
        _located(
            work,
            Finding(
                path=("custom_objects", index),
                message=f"{item.target.split(':')[-1]}.get_config() leaves out "
                f"{', '.join(map(repr, item.forgets))}: a reloaded one takes the default",
                hint="return it from `get_config`, as `__init__` takes it",
            ),
        )
        for index, item in enumerate(facts.custom_objects)
        if item.forgets
    ]


def _recorded(
    work: Job,
    report: BuildReport,
    steps: tuple[Step, ...],
    checks: Mapping[str, tuple[Check, ...]],
    staged: Path,
) -> tuple[Record, ...]:
    """Hash each staged artifact, write its record and its card."""
    made_by = template(work)
    sources = {**(report.sources or {}), **_source_digests(work, _template_source(work))}
    locked = work.lock if work.lock is not None and work.lock.version == work.version else None
    moment = record.created_at(os.environ, locked.created_at if locked else None)
    inputs = Inputs(manifest=_manifest_digests(work), sources=dict(sorted(sources.items())))
    records = []
    for step in steps:
        folder = staged / step.format
        made = _record(work, report, step, checks[step.format], folder, moment, inputs)
        record.write(made, folder)
        text = card.render_file(folder / record.FILE, made_by)
        (folder / record.CARD).write_text(text, encoding="utf-8")
        records.append(made)
    return tuple(records)


def _record(
    work: Job,
    report: BuildReport,
    step: Step,
    checks: tuple[Check, ...],
    folder: Path,
    moment: str,
    inputs: Inputs,
) -> Record:
    manifest, facts, here = work.loaded.manifest, _facts(report), environment.here()
    known = {"optimizer": facts.optimizer, "loss": facts.loss, "metrics": facts.metrics}
    training = {key: value for key, value in known.items() if value is not None}
    files = {
        name: File(sha256=sha256, size=(folder / name).stat().st_size)
        for name, sha256 in digest.of_folder(folder).items()
    }
    return Record(
        record_version=record.VERSION,
        model_name=manifest.name,
        format=step.format,
        version=manifest.version,
        created_at=moment,
        tensorflow_version=here["tensorflow"],
        keras_version=here["keras"],
        input_signature=facts.inputs,
        output_signature=facts.outputs,
        training={**training, **manifest.training},
        data=manifest.data,
        evaluation=manifest.evaluation,
        notes=manifest.notes,
        factory=str(manifest.factory),
        kwargs=manifest.kwargs,
        seed=manifest.seed,
        options=step.options,
        architecture=facts.architecture,
        custom_objects=facts.custom_objects,
        variables=facts.variables,
        checks=checks,
        loaders=_loaders(report, step.format),
        files=files,
        inputs=inputs,
        environment=here,
    )


def _held_against_lock(work: Job, records: tuple[Record, ...], staged: Path) -> Mapping[str, str]:
    """Hold rebuilt artifacts against the lock: other bytes need another environment.

    Returns what is to be said of a format whose bytes are not those of the lock.
    """
    notes = {}
    for made in records:
        locked = _locked(work, made.format)
        files = digest.of_folder(staged / made.format)
        if locked is None or locked.files == files:
            continue
        assert work.lock is not None
        drift = environment.drift(work.lock.environment, made.environment)
        name = next(
            n for n in sorted({*files, *locked.files}) if files.get(n) != locked.files.get(n)
        )
        if not drift:
            raise Refusal(_not_reproduced(work, made.format, name, locked, files))
        notes[made.format] = f"{name} differs; {'; '.join(drift)}"
    return notes


def _not_reproduced(
    work: Job, format: str, name: str, locked: Locked, files: Mapping[str, str]
) -> Problem:
    message = (
        f"{format} was not reproduced: {name} is {files.get(name, 'not made')}, "
        f"the lock of {work.version} says {locked.files.get(name, 'none')}"
    )
    hint = "the factory gives another model each time, or reads what the lock does not list"
    return _located(work, Finding(path=("formats", format), message=message, hint=hint))


def _published_result(work: Job, made: Record, folder: Path, notes: Mapping[str, str]) -> Result:
    outcome = work.store.publish(folder, work.name, made.format, work.version)
    note = notes.get(made.format, "")
    return Result(
        format=made.format,
        outcome=UNLIKE_LOCK if note else outcome,
        folder=_shown(work.store.folder(work.name, made.format, work.version)),
        checks=len(made.checks),
        note=note,
    )


def _kept(work: Job, step: Step) -> Result:
    folder = work.store.folder(work.name, step.format, work.version)
    return Result(
        format=step.format,
        outcome=step.reason,
        folder=_shown(folder),
        checks=len(record.read(folder).checks),
    )


def _write_lock(work: Job, results: tuple[Result, ...]) -> bool:
    """Bring the lock up to what is published; what it says already stands."""
    before = work.lock if work.lock is not None and work.lock.version == work.version else None
    known = dict(before.artifacts) if before else {}
    records = {r.format: record.read(_folder(work, r.format)) for r in results}
    for format, made in records.items():
        if format not in known:
            files = digest.of_folder(_folder(work, format))
            known[format] = Locked(options=made.options, files=files)
    first = next(iter(records.values()))
    written = Lock(
        lock_version=lock.VERSION,
        model=work.name,
        version=work.version,
        created_at=before.created_at if before else first.created_at,
        environment=before.environment if before else first.environment,
        inputs=before.inputs if before else first.inputs,
        artifacts=known,
    )
    return lock.write(written, work.loaded.path)


def _published(folder: Path) -> Published:
    made = record.read(folder)
    return Published(
        inputs=made.inputs, options=made.options, metadata=digest.of_file(folder / record.FILE)
    )


def _manifest_digests(work: Job) -> dict[str, str]:
    """Return a digest for each key of the manifest, its defaults filled in."""
    full = schema.defaults(work.loaded.document.data)
    return {key: digest.of_data(full[key]) for key in sorted(full) if key not in BESIDE_INPUTS}


def _source_digests(work: Job, names: list[str]) -> dict[str, str]:
    """Return the digests of those of the named sources that are there."""
    paths = {name: work.loaded.path.parent / name for name in names}
    return {name: digest.of_file(path) for name, path in paths.items() if path.is_file()}


def template(work: Job) -> Path:
    """Return the card template that a manifest names, else our own."""
    own = work.loaded.manifest.card_template
    return work.loaded.path.parent / own if own else templates() / card.DEFAULT


def _template_source(work: Job) -> list[str]:
    if not work.loaded.manifest.card_template:
        return []
    return [work.loaded.manifest.card_template]


def _loaders(report: BuildReport, format: str) -> tuple[Loader, ...]:
    return (report.loaders or {})[format]


def _facts(report: BuildReport) -> Facts:
    assert report.facts is not None
    return report.facts


def _locked(work: Job, format: str) -> Locked | None:
    if work.lock is None or work.lock.version != work.version:
        return None
    return work.lock.artifacts.get(format)


def _folder(work: Job, format: str) -> Path:
    return work.store.folder(work.name, format, work.version)


def _located(work: Job, finding: Finding) -> Problem:
    """Locate a finding: at the format's name, or at the value of any other key."""
    document, path = work.loaded.document, finding.path
    at: Literal["key", "value"] = "key" if path[:1] == ("formats",) else "value"
    if len(path) == 2 and at == "key" and isinstance(document.data["formats"], list):
        path = ("formats", document.data["formats"].index(path[1]))
    return document.problem(path, finding.message, finding.hint, at=at)


def _lost(work: Job, lost: WorkerLost) -> Problem:
    message = f"the worker ended without a report: {lost.cause}"
    hint = f"what it printed last is in {lost.log.name}"
    return work.loaded.document.problem(("factory",), message, hint)


def _sibling(loaded: Loaded, name: str) -> str:
    return (Path(loaded.document.file).parent / name).as_posix()


def _shown(path: Path) -> str:
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
