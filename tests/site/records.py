"""Records made by hand: a small model, one that is nested and wide, and one that means harm."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from artifactbuild.data import encode
from artifactbuild.manifest.model import Tensor
from artifactbuild.release import record
from artifactbuild.release.record import (
    Architecture,
    Check,
    File,
    Histogram,
    Inputs,
    Layer,
    Loader,
    Measure,
    Record,
    Variable,
)

HARM = "<script>alert(1)</script>\"'`&\u202e\u0000 {{ 7 * 7 }} </style><img src=x onerror=alert(1)>"
"""What must never be anything but text."""

SPREAD = Histogram(
    low=-1.0, high=3.0, mean=0.5, deviation=0.7, zeros=2, not_finite=1, counts=(1, 0, 7, 2) * 4
)


def layer(name: str, *inputs: str, kind: str = "Dense", **more: Any) -> Layer:
    given = {
        "output_shape": "(None, 8)",
        "parameters": 72,
        "config": {"units": 8},
        "config_sha256": "c" * 64,
        "variables": (),
        "weights_sha256": "",
        "layers": (),
        **more,
    }
    return Layer(name=name, kind=kind, inputs=inputs, **given)


def chain(length: int) -> tuple[Layer, ...]:
    """Return layers that follow each other, the first of them an input."""
    first = layer("x", kind="InputLayer", parameters=0)
    names = ["x", *(f"dense_{place}" for place in range(1, length))]
    rest = (layer(name, before) for before, name in pairwise(names))
    return (first, *rest)


def architecture(layers: tuple[Layer, ...] | None = None, **more: Any) -> Architecture:
    layers = layers if layers is not None else chain(3)
    given = {
        "kind": "functional",
        "precision": "float32",
        "stateful": False,
        "outputs": tuple(each.name for each in layers[-1:]),
        "parameters": sum(each.parameters for each in layers),
        "trainable_parameters": 100,
        "config_sha256": "a" * 64,
        "weights_sha256": "b" * 64,
        **more,
    }
    return Architecture(layers=layers, **given)


def check(loader: str, against: str, **more: Any) -> Check:
    given: dict[str, Any] = {
        "compared": "outputs",
        "compare": "allclose",
        "rule": "validation.tolerance",
        "count": 8,
        "max_abs": 2e-7,
        "atol": 1e-6,
        "rtol": 1e-5,
        "passed": True,
        "bound": 3e-6,
        **more,
    }
    return Check(loader=loader, against=against, **given)


EXACT = {"compare": "exact", "atol": 0.0, "rtol": 0.0}


def made(name: str = "small", format: str = "keras", version: str = "v1", **more: Any) -> Record:
    """Return a record that hangs together; `more` replaces its fields."""
    plain = Record(
        record_version=record.VERSION,
        model_name=name,
        format=format,
        version=version,
        created_at="2026-01-02T03:04:05Z",
        tensorflow_version="2.21.0",
        keras_version="3.15.1",
        input_signature=(Tensor(name="x", shape=(None, 8), dtype="float32"),),
        output_signature=(Tensor(name="output", shape=(None, 8), dtype="float32"),),
        about={"license": "mit", "intended_use": "Tests"},
        training={"optimizer": "Adam", "epochs": 3},
        data={"dataset_id": "made-up"},
        evaluation={},
        notes="A small model",
        factory="model:make_model",
        kwargs={},
        seed=7,
        options={"tolerance": {"atol": 1e-6, "rtol": 1e-5}},
        architecture=architecture(),
        custom_objects=(),
        structure="x",
        variables=(
            Variable(
                role="weight",
                path="dense_1/kernel",
                shape=(8, 8),
                dtype="float32",
                sha256="d" * 64,
                histogram=SPREAD,
            ),
            Variable(
                role="weight",
                path="dense_1/bias",
                shape=(8,),
                dtype="float32",
                sha256="e" * 64,
                histogram=replace(SPREAD, low=0.0, high=0.0, counts=()),
            ),
        ),
        resumable=True,
        resumable_why="3 training steps were those of the original",
        lambdas=(),
        stochastic=False,
        checks=(
            check("keras", "eager", max_abs=0.0, bound=0.0, **EXACT),
            check("keras", "graph"),
            check("keras", "model", compared="weight variables", max_abs=None, bound=None, **EXACT),
        ),
        measures=(
            Measure(
                loader="keras", metric="mae", output="output", value=0.5, model=0.5, examples=10
            ),
        ),
        loaders=(
            Loader(name="keras", summary="Keras alone", code="import keras\n", against="eager"),
        ),
        files={"model.keras": File(sha256="f" * 64, size=1234)},
        inputs=Inputs(manifest={"factory": "0" * 64}, sources={"model.py": "1" * 64}),
        environment={"keras": "3.15.1", "python": "3.11.7"},
    )
    return replace(plain, **more)


def harmful(name: str, format: str = "keras", version: str = "v1") -> Record:
    """Return a record in which every text that a record can hold means harm."""
    long = "W" * 300
    inner = (layer("inner", kind=HARM), layer(HARM, "inner", config={HARM: HARM}))
    layers = (
        layer(HARM, HARM, "nobody", kind="InputLayer"),
        layer(long, HARM, kind=HARM, layers=inner, output_shape=HARM),
        layer("loop", long, "end", kind=long),
        layer("end", "loop"),
    )
    return made(
        name,
        format,
        version,
        created_at=HARM,
        tensorflow_version=HARM,
        keras_version=HARM,
        input_signature=(Tensor(name=HARM, shape=(None,), dtype=HARM),),
        output_signature=(Tensor(name=long, shape=(), dtype="float32"),),
        about={"intended_use": HARM, HARM: [HARM, long]},
        training={HARM: HARM, "nested": {"list": [HARM, None, True, 1.5]}},
        data={"url": "javascript:alert(1)", long: long},
        evaluation={"loss": float("1e308"), HARM: [HARM]},
        notes=f"{HARM}\n# {long}",
        factory=HARM,
        kwargs={HARM: HARM},
        options={HARM: HARM},
        architecture=architecture(layers, outputs=("end", HARM), kind=HARM, precision=HARM),
        custom_objects=(record.CustomObject(target=HARM, kind=HARM, name=HARM, registered=True),),
        variables=(
            Variable(
                role="weight",
                path=HARM,
                shape=(1,),
                dtype=HARM,
                sha256=HARM,
                histogram=replace(SPREAD, low=-1e308, high=1e308),
            ),
            Variable(
                role="weight", path=long, shape=(1,), dtype="string", sha256="", histogram=None
            ),
        ),
        resumable_why=HARM,
        lambdas=(HARM,),
        checks=(
            check(HARM, HARM, compared=HARM, compare=HARM, rule=HARM),
            check(long, "eager", max_abs=1e300, bound=1e-300, passed=False, detail=HARM),
            check("keras", "graph", max_abs=None, bound=None, passed=False, detail=HARM),
        ),
        measures=(
            Measure(loader=HARM, metric=HARM, output=HARM, value=0.0, model=0.0, examples=1),
        ),
        loaders=(Loader(name=HARM, summary=HARM, code=f"{HARM}\n{long}", against=HARM),),
        files={HARM: File(sha256=HARM, size=10**18), "../../x": File(sha256=long, size=0)},
        inputs=Inputs(manifest={HARM: HARM}, sources={"../../etc/passwd": HARM, HARM: long}),
        environment={HARM: HARM},
    )


def publish(root: Path, *records: Record, card: str = "# A card\n") -> Path:
    """Put records where a store has them."""
    for each in records:
        folder = root / each.model_name / each.format / each.version
        folder.mkdir(parents=True)
        (folder / record.FILE).write_text(json.dumps(encode(each)), encoding="ascii")
        (folder / record.CARD).write_text(card, encoding="utf-8")
    return root
