"""What `relock` may accept into a lock, and what only a new version can bring.

A rebuild can show that the payload is the same. It cannot show that a promise to clients is: by
which rules outputs are compared, and for which inputs, is what the promise says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from artifactbuild import plan
from artifactbuild.job import Job, manifest_digests
from artifactbuild.problems import Problem
from artifactbuild.release import environment
from artifactbuild.release.lock import Lock
from artifactbuild.release.record import Inputs
from artifactbuild.release.sources import words

CONTRACT = frozenset(
    {
        "evaluate",
        "input_signature",
        "name",
        "reference_inputs",
        "signatures",
        "stochastic",
        "validation",
    }
)
"""Keys of the manifest that promise something, which no rebuild can show to be unchanged."""

MANIFEST, SOURCE, VARIABLE = "manifest", "source", "variable"
DISTRIBUTION, LIBRARY = "distribution", "library"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One input that is not as the lock says: its kind, its name, what became of it in words."""

    kind: str
    name: str
    what: str


def is_open(work: Job) -> bool:
    """Tell whether `relock` may be the cure of what changed since a version was released."""
    return work.memory is not None and next(breaches(work), None) is None


def breaches(work: Job) -> Iterator[Problem]:
    """Yield a problem for each change of the contract, at its own line."""
    if work.memory is None:
        return
    hint = f"release it under a new version: `artifactbuild bump {work.loaded.document.file}`"
    version = work.version
    for key in plan.differing(work.memory.inputs.manifest, manifest_digests(work)):
        if key in CONTRACT:
            message = (
                f"`{key}` in the manifest changed since {version} was released: it is part of the "
                "contract, and cannot be accepted"
            )
            yield work.problem((key,), message, hint)
    for request in work.loaded.manifest.formats:
        locked = work.locked(request.name)
        if locked is not None and dict(locked.options) != dict(request.options):
            message = (
                f"the options of {request.name} changed since {version} was released: they are "
                "part of the contract, and cannot be accepted"
            )
            yield work.problem(("formats", request.name), message, hint)


def changes(memory: Lock, now: Inputs, here: Mapping[str, str]) -> tuple[Change, ...]:
    """Return what may be accepted: inputs, and the environment `here`, that the lock has not."""
    before = memory.inputs
    texts = {*plan.templates(before), *plan.templates(now)}
    keys = [key for key in plan.differing(before.manifest, now.manifest) if key not in plan.TEXT]
    files = [name for name in plan.differing(before.sources, now.sources) if name not in texts]
    variables = plan.differing(before.variables, now.variables)
    libraries = environment.library_drift(accepted(memory, here), here)
    packages = environment.drift(before.distributions, now.distributions)
    return (
        *(Change(kind=MANIFEST, name=key, what=f"`{key}` changed") for key in keys),
        *(
            Change(
                kind=SOURCE,
                name=name,
                what=words(name, before.sources.get(name), now.sources.get(name)),
            )
            for name in files
        ),
        *(Change(kind=VARIABLE, name=name, what=f"{name} changed") for name in variables),
        *(_of_version(DISTRIBUTION, what) for what in packages),
        *(_of_version(LIBRARY, what) for what in libraries),
    )


def accepted(memory: Lock, here: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that a lock accepts; of one that it was released in, that one."""
    return {
        name: was if here.get(name) == was else memory.accepted[name]
        for name, was in memory.environment.items()
    }


def _of_version(kind: str, what: str) -> Change:
    """Return the change of a version, which begins with the name."""
    return Change(kind=kind, name=what.partition(" ")[0], what=what)
