"""Two sides of a small model, and what may become of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from artifactbuild.manifest.model import Tensor
from artifactbuild.release.diff.nouns import Side
from artifactbuild.release.lock import (
    Lock,
    Locked,
    LockedChecks,
    LockedInputs,
    LockedLayer,
    LockedMeasure,
    LockedTotals,
)

MANIFEST: dict[str, Any] = {
    "name": "iris",
    "version": "v1",
    "factory": "model:make_model",
    "kwargs": {"units": 16},
    "weights": {"path": "iris.weights.h5", "sha256": "3f" * 32},
    "formats": {"keras": {}, "tflite": {"tolerance": {"atol": 0.001}}},
    "input_signature": [{"name": "x", "shape": [None, 4], "dtype": "float32"}],
    "metadata": {
        "training": {"optimizer": "Adam", "epochs": 10},
        "notes": "First export",
    },
}

LAYERS = (
    LockedLayer(
        name="x",
        kind="InputLayer",
        output="(None, 4)",
        config={"batch_shape": [None, 4]},
        config_digest="11aa",
    ),
    LockedLayer(
        name="hidden",
        kind="Dense",
        output="(None, 16)",
        parameters=80,
        inputs=("x",),
        config={"units": 16, "activation": "relu"},
        config_digest="22bb",
        weights_digest="22ww",
    ),
    LockedLayer(
        name="dropout",
        kind="Dropout",
        output="(None, 16)",
        inputs=("hidden",),
        config={"rate": 0.5},
        config_digest="33cc",
    ),
    LockedLayer(
        name="species",
        kind="Dense",
        output="(None, 3)",
        parameters=51,
        inputs=("dropout",),
        config={"units": 3, "activation": "softmax"},
        config_digest="44dd",
        weights_digest="44ww",
    ),
)

LOCK = Lock(
    lock_version=1,
    model="iris",
    version="v1",
    created_at="2026-01-01T00:00:00Z",
    totals=LockedTotals(
        kind="functional",
        layers=4,
        parameters=131,
        trainable=131,
        precision="float32",
        config_digest="55ee",
        weights_digest="55ww",
    ),
    input_signature=(Tensor(name="x", shape=(None, 4), dtype="float32"),),
    output_signature=(Tensor(name="species", shape=(None, 3), dtype="float32"),),
    layers=LAYERS,
    checks=(
        LockedChecks(
            format="keras", loader="keras", passed=("outputs = eager", "weight variables = model")
        ),
        LockedChecks(format="keras", loader="training", passed=("3 training steps = model",)),
        LockedChecks(
            format="tflite",
            loader="interpreter",
            passed=("outputs ≈ eager (atol 0.001, rtol 1e-05, formats.tflite)",),
        ),
    ),
    measures=(
        LockedMeasure(
            format="tflite",
            loaders=("interpreter",),
            metric="accuracy",
            output="species",
            value=0.9667,
            model=0.9667,
            examples=30,
        ),
    ),
    environment={"keras": "3.15.1", "python": "3.11.7", "tensorflow": "2.21.0"},
    inputs=LockedInputs(
        manifest={"kwargs": "66", "metadata": "77"},
        sources={"model.py": "88", "iris.weights.h5": "99"},
    ),
    artifacts={
        "keras": Locked(options={}, size=21_400, files={}),
        "tflite": Locked(options={}, size=2_300, files={}),
    },
)

BEFORE = Side(
    label="main (1a2b3c4)",
    file="iris/model.artifact.yaml",
    model="iris",
    version="v1",
    manifest=MANIFEST,
    lock=LOCK,
    records={},
)

AFTER = replace(BEFORE, label="the working tree", version="v2", lock=replace(LOCK, version="v2"))


def after(manifest: dict[str, Any] | None = None, **lock: Any) -> Side:
    """Return the other side: v2, with other values of the manifest and of the lock."""
    assert AFTER.lock is not None
    return replace(
        AFTER, manifest={**MANIFEST, **(manifest or {})}, lock=replace(AFTER.lock, **lock)
    )


def layers(**changes: dict[str, Any]) -> tuple[LockedLayer, ...]:
    """Return the layers with other values, by name."""
    return tuple(replace(layer, **changes.get(layer.name, {})) for layer in LAYERS)
