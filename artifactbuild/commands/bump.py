"""`bump`: give a changed model a version of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from artifactbuild import history, plan, reuse, screen
from artifactbuild.commands.options import JSON, PATHS, jobs
from artifactbuild.history import Wanted
from artifactbuild.job import Job, inputs_now
from artifactbuild.manifest import bumping, load
from artifactbuild.manifest.bumping import Change

ASKED, UNCHANGED, TEXT, UNBUILT = "asked for", "unchanged", "only text changed", "never built"

NOTHING = "nothing changed since it was released (`artifactbuild bump --all` bumps all the same)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a manifest is given a new version, and why; `told` if people should know."""

    file: str
    version: str
    bump: bool
    why: str
    told: str = ""


@click.command("bump")
@PATHS
@click.option("--all", "every", is_flag=True, help="Bump every manifest, changed or not.")
@click.option("--to", metavar="VERSION", help="The new version, instead of the next one.")
@click.option("--major", "part", flag_value="major", help="1.2.3 becomes 2.0.0.")
@click.option("--minor", "part", flag_value="minor", help="1.2.3 becomes 1.3.0.")
@click.option("--patch", "part", flag_value="patch", default=True, help="1.2.3 becomes 1.2.4.")
@JSON
def command(paths: tuple[str, ...], every: bool, to: str | None, part: str, as_json: bool) -> None:
    """Write the next version into manifests; nothing else in them changes.

    1 becomes 2, v1 becomes v2, 1.0.0 becomes 1.0.1; versions that another branch released are
    passed over. Without arguments, what was released and changed since is bumped; what was never
    built is not.
    """
    if paths or every:
        verdicts, taken = _asked(paths)
    else:
        verdicts, taken = _judged()
    bumped = {
        path: bumping.bumped(path, to, part, taken[path])
        for path, verdict in verdicts.items()
        if verdict.bump
    }
    if to is not None and not bumped:
        bumping.hold_version(to)
    for path, change in bumped.items():
        path.write_bytes(change.content)
    if as_json:
        screen.answer([_data(each, bumped.get(path)) for path, each in verdicts.items()])
        return
    lines = [line for path, each in verdicts.items() for line in _told(each, bumped.get(path))]
    screen.say(lines or [NOTHING])


def _asked(
    paths: tuple[str, ...],
) -> tuple[dict[Path, Verdict], Mapping[Path, frozenset[str]]]:
    """Bump all that the arguments name, in whatever state their files are."""
    verdicts: dict[Path, Verdict] = {}
    wanted: dict[Path, Wanted] = {}
    for path in load.find(paths, Path.cwd()):
        file, name, version = bumping.subject(path)
        verdicts[path] = Verdict(file=file, version=version, bump=True, why=ASKED)
        wanted[path] = Wanted(project=load.project_of(path), model=name, version=version)
    found = history.look(wanted.values())
    for why in dict.fromkeys(each.skipped for each in found.values() if each.skipped):
        screen.warning(why)
    return verdicts, {path: found[each].taken for path, each in wanted.items()}


def _judged() -> tuple[dict[Path, Verdict], Mapping[Path, frozenset[str]]]:
    """Bump what was released and changed since, or what others released as well."""
    work = reuse.joined({job.loaded.path: job for job in jobs((), None)}, released_too=True)
    for why in reuse.skipped(work.values()):
        screen.warning(why)
    verdicts = {path: _verdict(job) for path, job in work.items()}
    return verdicts, {path: job.history.taken for path, job in work.items()}


def _verdict(job: Job) -> Verdict:
    file, version = job.loaded.document.file, job.version
    if reasons := [*_reasons(job)]:
        return Verdict(file=file, version=version, bump=True, why="; ".join(reasons))
    why, told = UNCHANGED, ""
    if job.memory is None and job.elsewhere:
        why = f"released by {job.elsewhere[0].released.by} from the same inputs"
        told = f"{why} (`artifactbuild check` says where its lock is)"
    elif job.memory is None:
        why, told = UNBUILT, f"{UNBUILT} (`artifactbuild build {file}`)"
    elif plan.texts(job.memory.inputs, inputs_now(job, [job.memory.inputs])):
        why, told = TEXT, f"{TEXT} (`artifactbuild bump {file}` bumps it all the same)"
    return Verdict(file=file, version=version, bump=False, why=why, told=told)


def _reasons(job: Job) -> Iterator[str]:
    """Say why a version cannot stay as it is."""
    if job.reused is not None:
        yield f"{job.version} was released by {job.reused.released.by}"
    if job.memory is None:
        return
    before = job.memory
    yield from plan.changes(before.inputs, inputs_now(job, [before.inputs]))
    options = {request.name: request.options for request in job.loaded.manifest.formats}
    for name, locked in before.artifacts.items():
        if name not in options:
            yield f"{name} is not asked for any more"
        elif dict(locked.options) != dict(options[name]):
            yield f"the options of {name} changed"


def _data(verdict: Verdict, change: Change | None) -> dict[str, str]:
    after = change.after if change is not None else verdict.version
    return {
        "manifest": verdict.file,
        "before": verdict.version,
        "version": after,
        "why": verdict.why,
    }


def _told(verdict: Verdict, change: Change | None) -> Iterator[str]:
    if change is not None:
        skipped = f", as {', '.join(change.skipped)} was released elsewhere"
        yield f"{verdict.file}: {change.before} → {change.after}{skipped * bool(change.skipped)}"
    elif verdict.told:
        yield f"{verdict.file}: {verdict.version} stays: {verdict.told}"
