"""Where models are to be found, and how they stand where their manifests are at hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from artifactbuild import pipeline
from artifactbuild.job import Job
from artifactbuild.plan import UP_TO_DATE
from artifactbuild.release.store import Store
from artifactbuild.site.shelf import State, Wanted


def is_tree(path: Path) -> bool:
    """Tell whether a folder holds published versions itself, as `artifacts/` does."""
    return path.is_dir() and next(Store(root=path).versions(), None) is not None


def wanted(trees: Iterable[Path], work: Iterable[Job]) -> tuple[Wanted, ...]:
    """Return each store once: whole if it is one of the trees, else with its jobs' models."""
    whole = {tree.resolve() for tree in trees}
    named: dict[Path, set[str]] = {}
    for job in work:
        named.setdefault(job.store.root.resolve(), set()).add(job.name)
    return (
        *(Wanted(store=Store(root=root)) for root in sorted(whole)),
        *(
            Wanted(store=Store(root=root), models=frozenset(models))
            for root, models in sorted(named.items())
            if root not in whole
        ),
    )


def states(job: Job) -> tuple[State, ...]:
    """Return how each format that a manifest asks for stands, as `plan` sees it."""
    made = pipeline.plan(job)
    return tuple(
        State(
            version=made.version,
            format=step.format,
            good=step.reason == UP_TO_DATE,
            reason=step.reason,
        )
        for step in made.steps
    )
