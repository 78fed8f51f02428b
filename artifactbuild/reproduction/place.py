"""A clean place: a copy of the project's files, without the lock, and nothing built."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from artifactbuild import git
from artifactbuild.release import lock
from artifactbuild.release.sources import ABSENT
from artifactbuild.reproduction.conditions import ELSEWHERE, Condition
from artifactbuild.reproduction.nouns import Place, Released

MODULES = "modules"
"""The folder of a condition's Python modules."""


def lay(released: Released, base: Path, condition: Condition) -> Place:
    """Copy a project into a new folder, as a condition has it.

    Copied is what git tracks or would add (all of it, from a revision), and what the lock lists.
    """
    loaded = released.work.loaded
    project = base / condition.checkout
    project.mkdir(parents=True)
    for folder in (ELSEWHERE, MODULES):
        (base / folder).mkdir()
    for name, text in condition.modules.items():
        (base / MODULES / f"{name}.py").write_text(text, encoding="utf-8")
    (project / ".git").mkdir()  # so that the project's root is found where it was
    for name in sorted({*_files(released), *_listed(released)}):
        _copy(loaded.project, name, project)
    manifest = project / loaded.path.relative_to(loaded.project)
    lock.path_of(manifest).unlink(missing_ok=True)
    place = Place(base=base, project=project, manifest=manifest, artifacts=base / "artifacts")
    if condition.owner is not None:
        _give(base, condition.owner)
    return place


@contextmanager
def shown(place: Place, condition: Condition) -> Iterator[Place]:
    """Give the place as a build is to see it: through the filesystem of a condition, if it has one.

    Raises:
        OSError: when that filesystem cannot be mounted.
    """
    if not condition.mount:
        yield place
        return
    seen = place.base.with_name(f"{place.base.name}-{condition.mount[0]}")
    seen.mkdir()
    done = subprocess.run(
        [*condition.mount, str(place.base), str(seen)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OSError(done.stderr.strip() or f"{condition.mount[0]} ended with {done.returncode}")
    try:
        yield Place(
            base=seen,
            project=seen / place.project.relative_to(place.base),
            manifest=seen / place.manifest.relative_to(place.base),
            artifacts=seen / place.artifacts.relative_to(place.base),
        )
    finally:
        subprocess.run(["fusermount", "-u", str(seen)], capture_output=True, check=False)  # noqa: S607


def _files(released: Released) -> Iterator[str]:
    project = released.work.loaded.project
    names = _walked(project) if released.revision else _known(project)
    store = released.work.store.root
    for name in names:
        path = project / name
        if path.is_dir() and not path.is_symlink():  # a submodule
            yield from (f"{name}/{inner}" for inner in _walked(path))
        elif os.path.lexists(path) and not path.is_relative_to(store):
            yield name


def _known(project: Path) -> tuple[str, ...]:
    """Return the files that git tracks or would add; none outside of a repository."""
    with git.opened(project) as repository:
        return git.known(repository, project) if repository is not None else ()


def _listed(released: Released) -> Iterator[str]:
    """Yield the manifest and what the lock lists, from the project."""
    loaded = released.work.loaded
    yield loaded.path.relative_to(loaded.project).as_posix()
    for name, was in released.lock.inputs.sources.items():
        if was == ABSENT or name.endswith("/"):
            continue
        path = Path(os.path.normpath(loaded.path.parent / name))
        yield path.relative_to(loaded.project).as_posix()


def _walked(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = [name for name in folders if name != ".git" and name not in links]
        for name in (*names, *links):
            yield Path(place, name).relative_to(folder).as_posix()


def _give(base: Path, owner: int) -> None:
    """Let another user own the place, and reach it."""
    for folder, _, names in os.walk(base):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, owner, owner, follow_symlinks=False)
    base.parent.chmod(0o711)


def _copy(source: Path, name: str, target: Path) -> None:
    """Copy a file, or a link; one that leads out of the project still leads to the same place."""
    path, copied = source / name, target / name
    copied.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_symlink():
        shutil.copyfile(path, copied)
        shutil.copymode(path, copied)
        return
    leads_to = os.path.normpath(path.parent / os.readlink(path))
    inside = Path(leads_to).is_relative_to(source)
    copied.symlink_to(os.readlink(path) if inside else leads_to)
