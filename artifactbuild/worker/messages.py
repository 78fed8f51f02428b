"""The nouns that cross the border between the command line and its worker processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from artifactbuild.limits import Limits
from artifactbuild.manifest.model import Evaluation, Tensor
from artifactbuild.manifest.rules import Rule
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Check, Facts, Loader, Measure

Tell = Callable[[str], None]
"""Takes a word on what is being done."""


class Line(Protocol):
    """What a job has of its parent: it tells what it does, and gives what is ready early."""

    def __call__(self, text: str) -> None:
        """Tell a word on what is being done."""

    def give(self, part: Part) -> None:
        """Give a part of the result before the report."""


Take = Callable[["Part"], None]
"""Takes a part of a result before the report."""

FACTORY_ENDED = "(the factory has returned)\n"
"""The line of the log up to which a factory printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake of the user that only the running model shows, at a path in the manifest."""

    path: tuple[Any, ...]
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What a builder is told: the manifest as plain data, where it lies, where to write."""

    manifest: Mapping[str, Any]
    project: str
    folder: str
    formats: tuple[str, ...]
    staging: str
    """Holds one folder per format; the builder writes nowhere else."""
    ignored: tuple[str, ...]
    """Folders whose files are never inputs, such as the artifacts themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One variable of a model's state, as it is known again in another process of the same build.

    `mark` stands for its bytes; it is nothing to be kept.
    """

    role: str
    path: str
    shape: tuple[int, ...]
    dtype: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What a builder found out; `findings` says why it stopped, if it did."""

    findings: tuple[Finding, ...] = ()
    facts: Facts | None = None
    sources: Mapping[str, str] | None = None
    """What was read under the project: POSIX path from the manifest -> see `release.sources`."""
    looks: Mapping[str, str] | None = None
    """How each file that was read looked in the end; see `release.fingerprint`."""
    variables: Mapping[str, str] | None = None
    """The variables of the environment that the project's code read; see `release.variables`."""
    distributions: Mapping[str, str] | None = None
    """The distributions that the project's code imported, by version."""
    sees_all: bool = True
    """Whether the kernel told of all reads; else Python's events alone did."""
    loaders: Mapping[str, tuple[Loader, ...]] | None = None
    checks: tuple[Check, ...] = ()
    measures: tuple[Measure, ...] = ()
    """What the model in memory reaches on the evaluation set."""
    seen: tuple[Seen, ...] = ()
    """The model's state, as every loader must give it back."""
    resumed: tuple[Seen, ...] = ()
    """The model's state after the training steps that each resuming loader must repeat."""
    not_resumable: str = ""
    """Why no such steps were taken; empty if they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A format that lies whole in its folder, so that it can be validated beside the builder.

    `report` comes with the first one: facts and loaders, as the builder's own will have them.
    """

    written: str
    report: BuildReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeRequest:
    """What is to become a manifest: what is known of it, and where it will lie."""

    manifest: Mapping[str, Any]
    """A manifest without reference inputs; its formats are those to choose from."""
    project: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeReport:
    """What the model says of its own manifest; `findings` says why there is none, if so."""

    findings: tuple[Finding, ...] = ()
    manifest: Mapping[str, Any] | None = None
    """The manifest's data, complete."""
    kind: str = ""
    left_out: Mapping[str, str] | None = None
    """Format -> why it cannot hold this model."""
    inputs: Mapping[str, str] | None = None
    """Input -> where its reference values come from."""
    printed: bool = False
    """Whether the factory printed anything; the log has FACTORY_ENDED where it returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateRequest:
    """What a validator is told: a payload, one loader, what must come back.

    The evaluation's `file` is a whole path here.
    """

    folder: str
    loader: Loader
    search_path: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    structure: Any
    stateful: bool
    rules: Mapping[str, Rule]
    """How each output is compared with the reference that is not the loader's own."""
    seen: tuple[Seen, ...]
    steps: int
    resumed: tuple[Seen, ...]
    """The state that must be reached after `steps` training steps, if the loader resumes."""
    evaluation: Evaluation | None
    failure: str
    """Where the offending tensors are kept (an .npz that does not exist yet)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectRequest:
    """What an inspector is told: an artifact, and what is let through beside the usual."""

    folder: str
    operations: tuple[str, ...]
    allow_lambda: bool
    custom_objects: tuple[str, ...] | None
    """What the manifest declares, as `module:Name`; None where there is no manifest."""
    locked: bool
    """Whether the manifest's lock has the digest of the record."""
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectReport:
    """What the files contain that they must not; the artifact was not loaded."""

    faults: tuple[Fault, ...]
    unverified: tuple[str, ...] = ()
    """Names in Keras' configurations that only the artifact's own record declares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The project's own code, as its manifest names it, and leave to run it."""

    search_path: tuple[str, ...]
    factory: str
    kwargs: Mapping[str, Any]
    custom_objects: tuple[str, ...]
    allow_lambda: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunRequest:
    """What a re-run is told: an artifact, and the project's code if it may be run."""

    folder: str
    sources: Sources | None
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunReport:
    """What the loaders that could be had showed, and which could not be had."""

    checks: tuple[Check, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateReport:
    """What one loader showed."""

    checks: tuple[Check, ...]
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRequest:
    """Two folders that hold a file of one name with other bytes."""

    before: str
    after: str
    file: str
    atol: float
    rtol: float
    """How far the outputs in a reference may differ from each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceReport:
    """What differs first; `within` if it is nothing but outputs, and those within tolerance."""

    what: str
    within: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPair:
    """A layer, and the places of its weights in the records of two artifacts."""

    layer: str
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighRequest:
    """Two artifacts, and the layers whose weights are to be compared."""

    before: str
    after: str
    pairs: tuple[LayerPair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighReport:
    """|after - before| / |before| of each layer whose tensors are at hand."""

    relative: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRequest:
    """An artifact, one of its loaders, and the `reference.npz` that it is asked."""

    folder: str
    loader: Loader
    search_path: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[str, ...]
    questions: str
