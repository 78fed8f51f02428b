"""Where models are to be found, and how they stand where their manifests are at hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from artifactbuild.job import Job, shown
from artifactbuild.release.store import Store
from artifactbuild.review import drift
from artifactbuild.site.shelf import Disagreement, Wanted

OF_THIS_MACHINE = "environment-changed"


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


def disagreements(job: Job) -> tuple[Disagreement, ...]:
    """Return the drift that `check` finds, told without a path of this machine.

    What it says of this machine's environment is left out: pages tell of artifacts, and are the
    same wherever they are made.
    """
    root = shown(job.store.root)
    return tuple(
        Disagreement(
            name=each.name,
            sentence=each.sentence.replace(root, job.store.root.name),
            error=each.error,
        )
        for each in drift.find(job)
        if each.name != OF_THIS_MACHINE
    )
