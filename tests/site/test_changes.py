"""What a page says changed from one version to the next; how it is told is tested with `diff`."""

from __future__ import annotations

from dataclasses import replace

from artifactbuild.manifest.model import Tensor
from artifactbuild.release.record import Inputs, Record
from artifactbuild.review.telling import Report, terminal
from artifactbuild.site import changes
from artifactbuild.site.shelf import Artifact, Version
from tests.site.records import architecture, chain, made


def version(*records: Record) -> Version:
    return Version(
        name=records[0].version,
        artifacts=tuple(Artifact(record=each, card="") for each in records),
    )


def between(before: Record, after: Record) -> Report:
    return changes.between(version(before), version(after))


def told(before: Record, after: Record) -> str:
    return terminal([between(before, after)])


def test_the_version_alone_is_no_change() -> None:
    report = between(made(), made(version="v2", created_at="2027-01-01T00:00:00Z"))
    assert "".join(report.summary) == (
        "only the version changed: same layers and weights, contract unchanged; proven by 3 checks"
    )
    assert report.sections == ()


def test_units_of_one_layer_name_that_layer() -> None:
    first, hidden, last = chain(3)
    wider = replace(
        hidden,
        parameters=90,
        config={"units": 10},
        config_sha256="e" * 64,
        output_shape="(None, 10)",
    )
    after = made(version="v2", architecture=architecture((first, wider, last)))
    text = told(made(), after)
    assert text.startswith("small v1 → v2: 1 layer changed, contract unchanged")
    assert (
        "  changed  dense_1  Dense  units 8 → 10, "
        "output (None, 8) → (None, 10), parameters 72 → 90\n"
    ) in text


def test_another_dtype_breaks_clients() -> None:
    taken = (Tensor(name="x", shape=(None, 8), dtype="float64"),)
    text = told(made(), made(version="v2", input_signature=taken))
    assert "BREAKS clients: input x dtype float32 → float64" in text


def test_a_format_more_breaks_nobody() -> None:
    report = changes.between(version(made()), version(made(version="v2"), made(format="tflite")))
    assert "contract changed without a break" in "".join(report.summary)


def test_what_the_record_repeats_of_the_manifest_is_told_by_value() -> None:
    after = made(version="v2", training={"optimizer": "SGD", "epochs": 3}, kwargs={"units": 4})
    text = told(made(), after)
    assert "  kwargs.units                 none → 4\n" in text
    assert "  metadata.training.optimizer  Adam → SGD\n" in text


def test_the_rest_of_the_manifest_is_told_by_its_digests() -> None:
    def model(version: str, digest: str) -> Record:
        inputs = Inputs(manifest={"reference_inputs": digest * 64}, sources={})
        return made(version=version, inputs=inputs)

    assert "  reference_inputs  111111111111… → 222222222222…\n" in told(
        model("v1", "1"), model("v2", "2")
    )
