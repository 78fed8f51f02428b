"""What there is: the inputs as they are now, what is published, what follows, and from which files.

Runs no code of the project and starts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from artifactbuild import acceptance, contents, reuse, searching
from artifactbuild import plan as planning
from artifactbuild.contents import Watched
from artifactbuild.job import Job, in_kinds_of, inputs_now, leaving, restoring_line_endings, shown
from artifactbuild.manifest import sources
from artifactbuild.manifest.leaving import way_out
from artifactbuild.manifest.model import Manifest
from artifactbuild.plan import Current, Plan, Published, Step
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release import claim, damage, environment, line_endings, lock, locking, record
from artifactbuild.release.damage import Damage
from artifactbuild.release.digest import Hashed
from artifactbuild.release.record import Inputs, Record
from artifactbuild.release.sources import ABSENT
from artifactbuild.release.store import HIDDEN
from artifactbuild.worker.settings import LIMIT, PORTABLE, recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a manifest's version: by format, its records and its files' digests.

    A format is in `records`, or it is `damaged`, or it is not published.
    """

    work: Job
    records: Mapping[str, Record]
    files: Mapping[str, Mapping[str, str]]
    damaged: Mapping[str, tuple[Damage, ...]]

    @property
    def published(self) -> dict[str, Published]:
        """What is published of the formats that the manifest asks for."""
        return {
            format: Published(
                inputs=in_kinds_of(self.work, made.inputs, self.remembered),
                options=made.options,
                files=self.files[format],
            )
            for format, made in self.records.items()
        }

    @property
    def remembered(self) -> list[Inputs]:
        """What this version may be made from: by its lock, and by records that it does not list.

        A lock that accepted other inputs than those of the release has the last word.
        """
        memory = self.work.memory
        known = memory.artifacts if memory is not None else {}
        others = [made.inputs for format, made in self.records.items() if format not in known]
        return [*others, *([memory.inputs] if memory is not None else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """A command that undoes changes; `complete` if there are no others."""

    command: str
    complete: bool


def see(work: Job, known: Mapping[Path, Hashed] | None = None) -> Seen:
    """Read the records of what is published of a manifest's version, and hash its files.

    Files that are `known` are read only if they look otherwise by now.
    """
    there = [f for f in work.formats if work.store.has(work.name, f, work.version)]
    found = damage.look({format: work.folder(format) for format in there}, known)
    records: dict[str, Record] = {}
    damaged: dict[str, tuple[Damage, ...]] = {}
    for format, each in found.items():
        wrong = damage.of(
            work.folder(format), each, work.locked(format), work.memory, own_template(work)
        )
        if wrong:
            damaged[format] = wrong
        elif each.made is not None:
            records[format] = each.made
    files = {format: found[format].files for format in records}
    return Seen(work=work, records=records, files=files, damaged=damaged)


def own_template(work: Job) -> Path | None:
    """Return the template of the project for cards, if it has one."""
    return work.template if work.loaded.manifest.card_template is not None else None


def current(seen: Seen) -> Current:
    """Return what would go into a build now, of the sources that earlier builds read."""
    work = seen.work
    return Current(
        inputs=inputs_now(work, seen.remembered),
        environment=environment.here(recorded(work.processor), work.formats),
        kind=_known_kind(work) if _asks_for_kind(seen) else None,
    )


def plan(seen: Seen) -> Plan:
    """Decide what would be done."""
    work = seen.work
    damaged = {format: damage.sentence(each) for format, each in seen.damaged.items()}
    made = planning.make(work.loaded.manifest, current(seen), work.lock, seen.published, damaged)
    return reuse.held(made, work)


def refusals(work: Job, made: Plan, *, repair: bool = False) -> tuple[Problem, ...]:
    """Return the located problems of a plan that cannot be carried out.

    To `repair` is to build again what is damaged, which needs a lock, and the inputs that it has.
    """
    broken = [
        _damaged(work, step)
        for step in made.of(planning.DAMAGED)
        if not (repair and is_repairable(work, step))
    ]
    return (*broken, *_refused(work, made), *_lacking(work, made), *_leaving(work, made))


def is_repairable(work: Job, step: Step) -> bool:
    """Tell whether a damaged format can be built again: a lock says what it must be."""
    return work.locked(step.format) is not None and not step.changes


def _damaged(work: Job, step: Step) -> Problem:
    folder = shown(work.folder(step.format))
    message = f"{folder} is damaged: {step.reason}"
    if is_repairable(work, step):
        hint = f"run `{work.repair}`"
    elif work.locked(step.format) is not None:
        hint = f"undo the changes, then run `{work.repair}`"
    else:
        hint = (
            f"no lock says what it held: restore {work.lock_shown}, or move {folder} elsewhere and "
            f"run `artifactbuild build {work.loaded.document.file}`"
        )
    return work.problem(("formats", step.format), message, hint)


def _lacking(work: Job, made: Plan) -> tuple[Problem, ...]:
    """Find that this processor lacks what portable kernels need."""
    builds = [*made.of(planning.BUILD), *made.of(planning.DAMAGED)]
    missing = [name for name in LIMIT if name not in environment.instruction_sets().split()]
    if work.processor != PORTABLE or not builds or not missing:
        return ()
    message = f"{PORTABLE!r} needs an x86-64 processor with {', '.join(LIMIT)}"
    hint = "build on a machine that has them, or leave `processor:` out"
    return (work.problem(("processor",), f"{message}: {', '.join(missing)} missing here", hint),)


def _leaving(work: Job, made: Plan) -> tuple[Problem, ...]:
    """Find a link by which artifacts would be written out of the project, to a place not named."""
    steps = [*made.of(planning.BUILD), *made.of(planning.DAMAGED)]
    inside = ["", *HIDDEN, work.name, *(f"{work.name}/{step.format}" for step in steps)]
    return leaving(work.store, work.loaded.project, inside) if steps else ()


def _refused(work: Job, made: Plan) -> tuple[Problem, ...]:
    refused = [step for step in made.steps if step.action == planning.REFUSE or step.changes]
    if not refused:
        return ()
    impossible = [step for step in refused if step.impossible]
    if impossible:
        names, manifest = [step.format for step in impossible], work.loaded.manifest
        return tuple(
            work.problem(("formats", s.format), s.reason, way_out(s.format, names, manifest))
            for s in impossible
        )
    what = list(dict.fromkeys(change for step in refused for change in step.changes))
    by = f" by {work.reused.released.by}" if work.reused is not None else ""
    message = f"{work.name} {work.version} was released{by} from other inputs: {'; '.join(what)}"
    file = work.loaded.document.file
    hint = f"a released version never changes: run `artifactbuild bump {file}`"
    if acceptance.is_open(work):
        hint = (
            f"run `artifactbuild relock {file}` if the model is still the same, else "
            f"`artifactbuild bump {file}`"
        )
    if cure := line_endings_cure(work, made):
        hint = f"run `{cure.command}`" if cure.complete else f"run `{cure.command}`; then, {hint}"
    return (work.problem(("version",), message, hint),)


def restoring(work: Job) -> str:
    """Say how to come to a released format that this artifactbuild writes otherwise."""
    memory = work.memory
    old = memory.environment.get("artifactbuild", "") if memory is not None else ""
    other = old and old != environment.own_version()
    install = f"`pip install artifactbuild=={old}`" if other else "the artifactbuild of that time"
    return (
        f"restore the released {work.version}, build it with {install}, or release it anew: "
        f"`artifactbuild bump {work.loaded.document.file}`"
    )


def line_endings_cure(work: Job, made: Plan) -> Cure | None:
    """Return what gives sources their line endings back, None where these are as they were."""
    changes = {change for step in made.steps for change in step.changes}
    if not any(line_endings.ONLY in change for change in changes):
        return None
    before = [work.memory.inputs] if work.memory is not None else see(work).remembered
    complete = all(line_endings.ONLY in change for change in changes)
    return Cure(command=restoring_line_endings(work, before), complete=complete)


def writes_nothing(seen: Seen) -> bool:
    """Tell whether the lock has every format, and says what a build would write into it."""
    memory = seen.work.memory
    if memory is None or not set(seen.records) == set(seen.work.formats) <= set(memory.artifacts):
        return False
    written = lock.path_of(seen.work.loaded.path).read_bytes()
    return written == lock.text(locking.of(seen.records, {}, memory)).encode()


def watched(seen: Seen) -> tuple[Watched, ...]:
    """Return all that the answer came from."""
    variables = _variables(seen)
    beside = (_beside(seen), *([variables] if variables.names else []))
    return (*beside, *_stored(seen), *seen.work.history.watched)


def _beside(seen: Seen) -> Watched:
    """Watch the manifest, its lock, and every file that it names, was built from or imports."""
    path, manifest = seen.work.loaded.path, seen.work.loaded.manifest
    lock_name = lock.path_of(path).name
    present, absent = ([lock_name], []) if seen.work.lock is not None else ([], [lock_name])
    modules = (os.path.relpath(place, path.parent) for place in _modules(seen.work))
    made_from = {name: was for inputs in seen.remembered for name, was in inputs.sources.items()}
    named = {path.name, *present, *_named(manifest), *modules}
    named |= {name.rstrip("/") for name, was in made_from.items() if was != ABSENT}
    absent += [name for name, was in made_from.items() if was == ABSENT]
    return contents.files(str(path.parent), named - {*absent}, absent)


def _variables(seen: Seen) -> Watched:
    """Watch the variables of the environment that the project's code read."""
    return contents.variables({name for inputs in seen.remembered for name in inputs.variables})


def _named(manifest: Manifest) -> Iterator[str]:
    """Yield the files that a manifest names, relative to its folder."""
    if manifest.weights is not None:
        yield manifest.weights.path
    if manifest.evaluate is not None:
        yield manifest.evaluate.file
    if manifest.card_template is not None:
        yield manifest.card_template
    yield from manifest.assets
    yield from (case.file for case in manifest.reference_inputs if case.file is not None)
    yield from (f.options["calibration"] for f in manifest.formats if "calibration" in f.options)


def _modules(work: Job) -> Iterator[str]:
    """Yield the modules that a manifest names, and the folders where another might come first."""
    manifest = work.loaded.manifest
    targets = [manifest.factory, *manifest.custom_objects, *(t for _, t in manifest.signatures)]
    for module in {target.module for target in targets}:
        yield from _places(module, work.search_path)


def _places(module: str, first: tuple[Path, ...]) -> Iterator[str]:
    """Yield a module's file, and the folders that were looked into before it was found."""
    path = sources.locate(module, first)
    searched = [*map(str, first), *(searching.modules() if path is not None else [])]
    top = module.partition(".")[0]
    for folder in filter(os.path.isdir, searched):
        yield folder
        if path is not None and str(path).startswith((f"{folder}/{top}.", f"{folder}/{top}/")):
            yield str(path)
            yield from (str(p) for p in path.parents if str(p).startswith(f"{folder}/"))
            return


def _stored(seen: Seen) -> Iterator[Watched]:
    """Watch every published folder, and that what is not published stays so."""
    work = seen.work
    for format in work.formats:
        folder = work.folder(format)
        if format in seen.records:
            yield contents.tree(str(folder), seen.files[format])
        elif os.path.lexists(folder):  # a builder is moving it in
            moving, made = claim.file_of(folder).name, f"{folder.name}/{record.FILE}"
            yield contents.files(str(folder.parent), [moving], [made])
        else:
            yield contents.files(str(folder.parent), (), [folder.name])
    if _asks_for_kind(seen):  # of any version; where there is one, nothing is remembered
        yield contents.files(str(work.store.root), (), [work.name])


def _asks_for_kind(seen: Seen) -> bool:
    """Tell whether the plan depends on the kind of model: h5 cannot hold a subclassed one."""
    return "h5" in seen.work.formats and "h5" not in seen.records


def _known_kind(work: Job) -> str | None:
    """Return the kind of model that an earlier build found, if its sources are as they were.

    A record of another version that cannot be read says nothing, and stops nothing.
    """
    for version in work.store.versions(work.name):
        try:
            made = record.read(work.store.folder(*version))
        except Refusal:
            continue
        before = dict(made.inputs.sources)
        if inputs_now(work, [made.inputs]).sources == before:
            return made.architecture.kind
    return None
