"""What is published, as the pages tell it: models, their versions newest first, their records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from artifactbuild.manifest.versions import order
from artifactbuild.problems import Problem, Refusal
from artifactbuild.reading import Unreadable, opened
from artifactbuild.release import record
from artifactbuild.release.record import Record
from artifactbuild.release.store import Store

CARD_BYTES = 200_000
"""How much of a card is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One way in which manifest, sources, lock and artifacts disagree, as `check` names it.

    What is no error is a state on the way, not a contradiction.
    """

    name: str
    sentence: str
    error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One published artifact: its record and its card."""

    record: Record
    card: str

    @property
    def size(self) -> int:
        """Bytes of all files that the record lists."""
        return sum(file.size for file in self.record.files.values())

    @property
    def passed(self) -> int:
        """How many checks passed."""
        return sum(check.passed for check in self.record.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a model in all its formats, sorted by name; there is at least one."""

    name: str
    artifacts: tuple[Artifact, ...]

    @property
    def record(self) -> Record:
        """What all formats share: they come from one manifest, one source, one factory."""
        return self.artifacts[0].record

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that are published."""
        return tuple(artifact.record.format for artifact in self.artifacts)

    @property
    def size(self) -> int:
        """Bytes of all formats."""
        return sum(artifact.size for artifact in self.artifacts)

    @property
    def passed(self) -> int:
        """How many checks passed, in all formats."""
        return sum(artifact.passed for artifact in self.artifacts)

    @property
    def checks(self) -> int:
        """How many checks there were, in all formats."""
        return sum(len(artifact.record.checks) for artifact in self.artifacts)

    @property
    def resumable(self) -> tuple[str, ...]:
        """The formats from which training can go on."""
        return tuple(a.record.format for a in self.artifacts if a.record.resumable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: its versions, newest first, and its drift; None where no manifest is at hand."""

    name: str
    versions: tuple[Version, ...]
    drift: tuple[Disagreement, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A store, and the models that are to be shown of it: all, or those of manifests."""

    store: Store
    models: frozenset[str] | None = None


def read(
    wanted: Iterable[Wanted], drift: Mapping[str, tuple[Disagreement, ...]]
) -> tuple[Model, ...]:
    """Read every model that is wanted, sorted by name.

    Models that only `drift` names are not published yet; they are shown too.

    Raises:
        Refusal: with every record that cannot be read or is not of its folder, and every model that
            is in two stores.
    """
    found: dict[str, dict[str, list[Artifact]]] = {name: {} for name in drift}
    home: dict[str, Path] = {}
    problems: list[Problem] = []
    for each in wanted:
        for model, format, version in each.store.versions():
            if each.models is not None and model not in each.models:
                continue
            folder = each.store.folder(model, format, version)
            if home.setdefault(model, each.store.root) != each.store.root:
                problems.append(_twice(folder, model, home[model]))
                continue
            try:
                artifact = _artifact(folder, (model, format, version))
            except Refusal as refusal:
                problems += refusal.problems
            else:
                found.setdefault(model, {}).setdefault(version, []).append(artifact)
    if problems:
        raise Refusal(*problems)
    return tuple(_model(name, found[name], drift.get(name)) for name in sorted(found))


def _model(
    name: str, found: Mapping[str, list[Artifact]], drift: tuple[Disagreement, ...] | None
) -> Model:
    versions = tuple(
        Version(name=version, artifacts=tuple(found[version]))
        for version in sorted(found, key=order, reverse=True)
    )
    return Model(name=name, versions=versions, drift=drift)


def _artifact(folder: Path, place: tuple[str, str, str]) -> Artifact:
    made = record.read(folder)
    said = (made.model_name, made.format, made.version)
    if said != place:
        message = f"is the record of {'/'.join(said)!r}, and lies in {'/'.join(place)!r}"
        hint = "a version is not renamed: move the folder to the place that its record names"
        raise Refusal(Problem(file=str(folder / record.FILE), message=message, hint=hint))
    return Artifact(record=made, card=_card(folder / record.CARD))


def _card(path: Path) -> str:
    try:
        with opened(path) as file:
            content = file.read(CARD_BYTES + 1)
    except (Unreadable, OSError):
        return ""
    cut = "\n… (cut)" if len(content) > CARD_BYTES else ""
    return content[:CARD_BYTES].decode("utf-8", "replace") + cut


def _twice(folder: Path, model: str, first: Path) -> Problem:
    message = f"model {model!r} is also in {first}"
    return Problem(file=str(folder), message=message, hint="render the two trees to two folders")
