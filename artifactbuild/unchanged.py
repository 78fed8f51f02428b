"""What a verb is asked about, and what it said of it last time, while nothing has changed.

Imports next to nothing: see `index.entries`.
"""

from __future__ import annotations

import os

from artifactbuild import causes
from artifactbuild.index import entries
from artifactbuild.index.entries import MORE, VERBS, Entry, Place
from artifactbuild.index.location import file_of
from artifactbuild.manifest import find
from artifactbuild.release.fingerprint import glance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Asked:
    """One manifest that a verb was asked about: its absolute path, and where it is asked about."""

    __slots__ = ("manifest", "place")

    def __init__(self, manifest: str, place: Place) -> None:
        self.manifest = manifest
        self.place = place


class Looked:
    """All that a verb was asked about, the indexes of the roots, and the entries that stand.

    `made_by` is the environment at a glance, in which the indexes hold; `files` are where they lie,
    None where there can be none.
    """

    __slots__ = ("asked", "files", "indexes", "made_by", "standing")

    def __init__(
        self,
        asked: tuple[Asked, ...],
        made_by: str,
        files: Mapping[str, str | None],
        indexes: Mapping[str, Mapping[str, str]],
        standing: Mapping[Asked, Entry],
    ) -> None:
        self.asked = asked
        self.made_by = made_by
        self.files = files
        self.indexes = indexes
        self.standing = standing


def look(paths: Sequence[str], artifacts: str | None) -> Looked:
    """Find the manifests that the arguments name, and the answers that stand by looks alone.

    Raises:
        Refusal: with a problem for each argument that names none.
    """
    asked = _asked(find.manifests(paths, os.getcwd()), artifacts)
    made_by = glance()
    files = index_files(asked)
    indexes = {root: entries.read(file, f"{root}\n{made_by}") for root, file in files.items()}
    standing = {}
    for each in asked:
        place = each.place
        written = indexes[place.root].get(place.key(each.manifest))
        entry = entries.parsed(written) if written is not None else None
        if entry is not None and place.stands(entry):
            standing[each] = entry
    return Looked(asked, made_by, files, indexes, standing)


def index_files(asked: Sequence[Asked]) -> dict[str, str | None]:
    """Return where the index of each root lies; None where one of its projects allows none."""
    files: dict[str, str | None] = {}
    for place in {each.place for each in asked}:
        file = file_of(place.root, place.project)
        files[place.root] = file and files.get(place.root, file)
    return files


def said(looked: Looked, verb: str, arguments: Sequence[str]) -> str | None:
    """Return what a verb said of everything; None if it has more to do than to say it again.

    `arguments` are the paths that it was given.
    """
    if len(looked.standing) < len(looked.asked):
        return None
    number = VERBS.index(verb)
    texts = [entry.said[number] for entry in looked.standing.values()]
    names = {(each.place.project, entry.model) for each, entry in looked.standing.items()}
    if MORE in texts or len(names) < len(texts):
        return None
    return causes.told(texts, arguments)


def _asked(manifests: tuple[str, ...], artifacts: str | None) -> tuple[Asked, ...]:
    here = os.getcwd()
    known: dict[str, str | None] = {}
    places: dict[str, Place] = {}
    asked = []
    for manifest in manifests:
        project = find.project_of(os.path.dirname(manifest), known)
        if project not in places:
            root = artifacts or os.path.join(project, "artifacts")
            places[project] = Place(project, root, here)
        asked.append(Asked(manifest, places[project]))
    return tuple(asked)
