from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from artifactbuild import plan
from artifactbuild.manifest.model import FormatRequest, Manifest, Tensor
from artifactbuild.plan import Current, Published
from artifactbuild.release.lock import Lock, Locked, LockedInputs, LockedTotals, Release
from artifactbuild.release.record import Inputs

MANIFEST = Manifest.from_data(
    {
        "schema_version": 1,
        "name": "m",
        "version": "v1",
        "factory": "model:make",
        "formats": ["keras"],
        "reference_inputs": [{"name": "rows", "x": {"normal": True, "shape": [2, 3]}}],
    }
)
OPTIONS: Any = MANIFEST.formats[0].options
INPUTS = Inputs(manifest={"seed": "0"}, sources={"model.py": "a", "rows.npz": "b"})
HERE = Current(inputs=INPUTS, environment={"tensorflow": "2.21.0"})
PUBLISHED = Published(
    inputs=INPUTS, options=OPTIONS, files={"model.keras": "digest", "metadata.json": "a"}
)
LOCK = Lock(
    lock_version=1,
    model="m",
    version="v1",
    created_at="2026-01-01T00:00:00Z",
    totals=LockedTotals(
        kind="functional",
        layers=0,
        parameters=0,
        trainable=0,
        precision="float32",
        config_digest="0",
    ),
    input_signature=(),
    output_signature=(),
    layers=(),
    checks=(),
    measures=(),
    environment={"tensorflow": "2.21.0"},
    inputs=LockedInputs(manifest=INPUTS.manifest, sources=INPUTS.sources),
    artifacts={"keras": Locked(options=OPTIONS, size=9, files=PUBLISHED.files)},
)
RELEASE = Release(revisions={}, metadata={}, figures=(), values=(), inputs=INPUTS)
FACTS_OF_HERE = {"model.keras": "digest", "metadata.json": "b"}
OTHER = replace(INPUTS, manifest={"seed": "1"}, sources={"model.py": "c"})
OTHER_NAMES = (
    "v1 was released from other inputs: `seed` in the manifest changed; model.py changed; "
    "rows.npz is gone"
)


@pytest.mark.parametrize(
    ("current", "lock", "published", "action", "reason"),
    [
        (HERE, None, None, "build", "v1 is new"),
        (HERE, replace(LOCK, version="v0"), None, "build", "v1 is new"),
        (HERE, LOCK, None, "build", "in the lock, not in the store"),
        (HERE, replace(LOCK, artifacts={}), None, "build", "a new format of v1"),
        (HERE, LOCK, PUBLISHED, "keep", "up to date"),
        (HERE, None, PUBLISHED, "keep", "published, not yet in the lock"),
        (
            HERE,
            LOCK,
            replace(PUBLISHED, files={"model.keras": "another"}),
            "keep",
            "published here, but not the payload that the lock names",
        ),
        (HERE, LOCK, replace(PUBLISHED, files=FACTS_OF_HERE), "keep", "up to date"),
        (
            HERE,
            replace(LOCK, release=replace(RELEASE, revisions={"keras": 0})),
            None,
            "build",
            "in the lock, not in the store",
        ),
        (HERE, replace(LOCK, release=RELEASE), None, "build", "in the lock, not in the store"),
        (replace(HERE, inputs=OTHER), LOCK, PUBLISHED, "refuse", OTHER_NAMES),
        (replace(HERE, inputs=OTHER), LOCK, None, "refuse", OTHER_NAMES),
        (replace(HERE, inputs=OTHER), None, PUBLISHED, "refuse", OTHER_NAMES),
        (replace(HERE, inputs=OTHER), replace(LOCK, version="v0"), None, "build", "v1 is new"),
        (
            HERE,
            replace(LOCK, artifacts={"keras": Locked(options={}, size=9, files={})}),
            None,
            "refuse",
            "v1 was released from other inputs: the options of keras changed",
        ),
        (
            replace(HERE, environment={"tensorflow": "2.22.0"}),
            replace(LOCK, artifacts={}),
            None,
            "build",
            "a new format of v1",
        ),
        (
            replace(HERE, environment={"tensorflow": "2.22.0"}),
            LOCK,
            PUBLISHED,
            "keep",
            "up to date",
        ),
    ],
)
def test_step(
    current: Current, lock: Lock | None, published: Published | None, action: str, reason: str
) -> None:
    known = {} if published is None else {"keras": published}
    (step,) = plan.make(MANIFEST, current, lock, known).steps
    assert (step.action, step.reason) == (action, reason)


@pytest.mark.parametrize("lock", [LOCK, None, replace(LOCK, artifacts={})])
def test_damaged_format_is_neither_kept_nor_built(lock: Lock | None) -> None:
    damaged = {"keras": "model.keras is missing"}
    (step,) = plan.make(MANIFEST, HERE, lock, {}, damaged).steps
    assert (step.action, step.reason) == ("damaged", "model.keras is missing")
    assert step.changes == ()


def test_damaged_format_says_that_its_inputs_changed_too() -> None:
    damaged = {"keras": "model.keras is missing"}
    (step,) = plan.make(MANIFEST, replace(HERE, inputs=OTHER), LOCK, {}, damaged).steps
    assert step.action == "damaged"
    assert step.reason == "model.keras is missing; v1 was released from other inputs, too"
    assert step.changes == tuple(OTHER_NAMES.partition(": ")[2].split("; "))


@pytest.mark.parametrize(
    ("dtype", "format", "kind", "reason"),
    [
        ("string", "onnx", None, "onnx cannot take string, as the input 'x' is"),
        ("float64", "tflite", None, "tflite cannot take float64, as the input 'x' is"),
        (
            "float32",
            "h5",
            "subclassed",
            "h5 holds functional and sequential models, not subclassed ones",
        ),
        ("float32", "h5", "functional", "v1 is new"),
        ("string", "keras", "subclassed", "v1 is new"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(
    dtype: str, format: str, kind: str | None, reason: str
) -> None:
    manifest = replace(
        MANIFEST,
        input_signature=(Tensor(name="x", shape=(None, 3), dtype=dtype),),
        formats=(FormatRequest(name=format, options={}),),
    )
    (step,) = plan.make(manifest, replace(HERE, kind=kind), None, {}).steps
    assert step.reason == reason
    assert step.impossible == (reason != "v1 is new")
