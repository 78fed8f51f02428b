"""What a reviewer reads, in the terminal and in a comment; `--update-golden` writes it anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifactbuild.manifest.model import Tensor
from artifactbuild.release import diff
from artifactbuild.release.diff.nouns import Difference, Outputs, ValueChange
from artifactbuild.release.lock import LockedChecks, LockedInputs, LockedLayer
from artifactbuild.review import telling, words
from artifactbuild.review.phrases import source_action
from artifactbuild.worker import answers
from tests.review.sides import BEFORE, LAYERS, LOCK, MANIFEST, after, layers

GOLDEN = Path(__file__).parent / "golden"

QUESTIONS = {"rows/inputs/x": np.ones((40, 4), "float32")}
ANSWERS = np.tile(np.eye(3, dtype="float32"), (14, 1))[:40]


def outputs(moved_by: float = 0.0, questions: Mapping[str, Any] = QUESTIONS) -> Outputs:
    """Compare 40 answers with those that are a little further for the first three."""
    new = ANSWERS.copy()
    new[:3] += np.float32(moved_by) * np.array([[-1, 1, 0]], "float32")
    return answers.compared(
        {**QUESTIONS, "rows/eager/species": ANSWERS}, {**questions, "rows/eager/species": new}
    )


def only_weights() -> Difference:
    weights = {"path": "iris.weights.h5", "sha256": "a7" * 32}
    new = after(
        {"weights": weights},
        layers=layers(hidden={"weights_digest": "2222"}, species={"weights_digest": "4444"}),
        inputs=LockedInputs(
            manifest=LOCK.inputs.manifest, sources={"model.py": "88", "iris.weights.h5": "aa"}
        ),
        measures=(replace(LOCK.measures[0], value=0.9333),),
    )
    return diff.make(BEFORE, new, outputs(0.625))


def renamed_layer() -> Difference:
    new = after(
        layers=layers(hidden={"name": "trunk"}, dropout={"inputs": ("trunk",)}),
        inputs=LockedInputs(
            manifest=LOCK.inputs.manifest, sources={"model.py": "bb", "iris.weights.h5": "99"}
        ),
    )
    return diff.make(BEFORE, new, outputs())


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("1" * 64, f"python:{'2' * 64}", "has a digest of another kind"),
        (f"python:{'2' * 64}", "1" * 64, "has a digest of another kind"),
        (f"python:{'2' * 64}", f"python:{'3' * 64}", "changed"),
        ("1" * 64, "2" * 64, "changed"),
        (None, f"python:{'2' * 64}", "added"),
        ("absent", f"python:{'2' * 64}", "changed"),
    ],
)
def test_digests_of_two_kinds_are_not_compared(before: str, after: str, said: str) -> None:
    """A lock from before has digests of bytes."""
    change = ValueChange(name="model.py", before=before, after=after)
    assert source_action(change) == said


def input_dtype() -> Difference:
    signature = [{"name": "x", "shape": [None, 4], "dtype": "int32"}]
    config = {"batch_shape": [None, 4], "dtype": "int32"}
    new = after(
        {"input_signature": signature},
        input_signature=(Tensor(name="x", shape=(None, 4), dtype="int32"),),
        layers=layers(x={"config": config, "config_digest": "1111"}),
    )
    return diff.make(BEFORE, new, outputs(questions={"rows/inputs/x": np.ones((40, 4), "int32")}))


def only_metadata() -> Difference:
    metadata = {**MANIFEST["metadata"], "notes": "The data set has a new name"}
    return diff.make(BEFORE, after({"metadata": metadata}), outputs())


def only_tensorflow() -> Difference:
    new = after(environment={**LOCK.environment, "tensorflow": "2.22.0"})
    return diff.make(BEFORE, new, outputs())


def unrelated() -> Difference:
    other = (
        LockedLayer(name="text", kind="InputLayer", output="(None,)", config_digest="aaaa"),
        LockedLayer(
            name="embed",
            kind="Embedding",
            output="(None, 8)",
            parameters=800,
            inputs=("text",),
            config_digest="bbbb",
            weights_digest="cccc",
        ),
    )
    new = replace(
        after(
            layers=other,
            totals=replace(LOCK.totals, layers=2, parameters=800, trainable=800),
            input_signature=(Tensor(name="text", shape=(None,), dtype="string"),),
            output_signature=(Tensor(name="vector", shape=(None, 8), dtype="float32"),),
            measures=(),
            artifacts={"keras": LOCK.artifacts["keras"]},
        ),
        label="encoder/model.artifact.yaml",
        model="encoder",
        version="v7",
    )
    return diff.make(BEFORE, new, outputs(questions={"rows/inputs/text": np.array([b"a"])}))


def one_layer_wider_and_one_more() -> Difference:
    added = LockedLayer(
        name="norm",
        kind="LayerNormalization",
        output="(None, 32)",
        parameters=64,
        inputs=("hidden",),
        config_digest="ffff",
        weights_digest="ffff",
    )
    x, hidden, dropout, species = layers(
        hidden={
            "config": {"units": 32, "activation": "relu"},
            "output": "(None, 32)",
            "parameters": 160,
            "config_digest": "2222",
            "weights_digest": "2223",
        },
        dropout={"output": "(None, 32)", "inputs": ("norm",)},
        species={"parameters": 99, "weights_digest": "4444"},
    )
    checks = (
        *LOCK.checks[:2],
        LockedChecks(
            format="tflite",
            loader="interpreter",
            passed=("outputs ≈ eager (atol 0.01, rtol 1e-05, formats.tflite)",),
        ),
    )
    new = after(
        {"kwargs": {"units": 32}},
        layers=(x, hidden, added, dropout, species),
        totals=replace(LOCK.totals, layers=5, parameters=323, trainable=323),
        checks=checks,
        artifacts={
            "keras": replace(LOCK.artifacts["keras"], size=24_100),
            "onnx": LOCK.artifacts["tflite"],
            "tflite": replace(LOCK.artifacts["tflite"], size=3_050),
        },
    )
    return diff.make(BEFORE, new, outputs(0.25))


def not_built() -> Difference:
    new = replace(after({"kwargs": {"units": 32}}), lock=None, pending=("model.py changed",))
    return diff.make(BEFORE, new, Outputs())


def not_bumped() -> Difference:
    new = replace(
        after({"kwargs": {"units": 32}}),
        version="v1",
        lock=LOCK,
        pending=("`kwargs` in the manifest changed", "model.py changed"),
    )
    return diff.make(BEFORE, new, outputs())


def dropped_format() -> Difference:
    """The manifest asks for a format no more, and the lock still has it."""
    new = replace(BEFORE, label="the working tree", requested={"keras": {}})
    return diff.make(replace(BEFORE, requested={"keras": {}, "tflite": {}}), new, outputs())


def options(atol: float, **more: Any) -> dict[str, Any]:
    return {"tolerance": {"atol": atol, "rtol": 1e-05}, **more}


def wider_tolerance() -> Difference:
    was, now = ({"keras": options(a), "tflite": options(a)} for a in (1e-06, 0.5))
    return diff.make(replace(BEFORE, requested=was), replace(after(), requested=now), outputs())


def wider_and_not_built() -> Difference:
    """Fewer formats, another way to compare and fewer steps of training; nothing was built."""
    was = {"keras": options(1e-06), "tflite": options(1e-06)}
    validation = {"validation": {"resume_steps": 3}}
    now = {"keras": options(1e-06, compare="argmax")}
    before = replace(BEFORE, manifest={**MANIFEST, **validation}, requested=was)
    new = replace(after({"validation": {"resume_steps": 0}}), lock=None, requested=now)
    return diff.make(before, new, Outputs())


def wider_and_not_bumped() -> Difference:
    was, now = {"keras": options(1e-06)}, {"keras": options(0.5)}
    new = replace(
        after(),
        version="v1",
        lock=LOCK,
        requested=now,
        pending=("the options of keras changed",),
    )
    return diff.make(replace(BEFORE, requested=was), new, outputs())


def weaker_by_checks_alone() -> Difference:
    """What a manifest says of all formats is in no options: locks tell it by their checks."""
    checks = (
        replace(LOCK.checks[0], passed=("outputs as eager by argmax, validation",)),
        *LOCK.checks[1:],
    )
    sides = (replace(each, manifest=None) for each in (BEFORE, after(checks=checks)))
    return diff.make(*sides, outputs())


def new_model() -> Difference:
    return Difference(before=None, after=after(), outputs=Outputs())


def removed_model() -> Difference:
    return Difference(before=BEFORE, after=None, outputs=Outputs())


CASES: tuple[Callable[[], Difference], ...] = (
    only_weights,
    renamed_layer,
    input_dtype,
    only_metadata,
    only_tensorflow,
    unrelated,
    one_layer_wider_and_one_more,
    not_built,
    not_bumped,
    dropped_format,
    wider_tolerance,
    wider_and_not_built,
    wider_and_not_bumped,
    weaker_by_checks_alone,
    new_model,
    removed_model,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("way", ["txt", "md"])
def test_difference_reads_as_the_golden_file(
    case: Callable[[], Difference], way: str, update_golden: bool
) -> None:
    tell = {"txt": telling.terminal, "md": telling.markdown}[way]
    found = tell([words.report(case())])
    path = GOLDEN / f"{case.__name__}.{way}"
    if update_golden:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_same_side_has_no_difference() -> None:
    same = diff.make(BEFORE, BEFORE, outputs())
    assert not words.changed(same)
    assert telling.terminal([words.report(same)]) == (
        "iris v1: no difference; proven by 4 checks\n  main (1a2b3c4) → main (1a2b3c4)\n"
    )


def test_source_that_changed_after_the_release_is_a_difference() -> None:
    found = diff.make(BEFORE, replace(BEFORE, pending=("model.py changed",)), outputs())
    assert words.changed(found)
    assert telling.terminal([words.report(found)]).startswith(
        "iris v1: since v1 was released, model.py changed "
        "(`artifactbuild bump iris/model.artifact.yaml`)\n"
    )


def test_every_case_differs() -> None:
    assert all(words.changed(case()) for case in CASES)


def test_markup_in_a_name_stays_a_name() -> None:
    name = "a|b`<img>"
    named = replace(LAYERS[1], name=name)
    new = after(layers=(LAYERS[0], LAYERS[1], named, *LAYERS[2:]))
    text = telling.markdown([words.report(diff.make(BEFORE, new, outputs()))])
    (row,) = [line for line in text.splitlines() if "<img>" in line]
    assert row.startswith("| added | ``a\\|b`<img>`` | `Dense` |")


def test_long_sections_are_folded_in_a_comment() -> None:
    many = [
        replace(LAYERS[2], name=f"more_{index}", config_digest=str(index)) for index in range(30)
    ]
    new = after(layers=(*LAYERS[:2], *many, *LAYERS[2:]))
    text = telling.markdown([words.report(diff.make(BEFORE, new, outputs()))])
    assert "<details><summary>Architecture (30)</summary>" in text


@pytest.mark.parametrize(
    "case",
    [
        dropped_format,
        wider_tolerance,
        wider_and_not_built,
        wider_and_not_bumped,
        weaker_by_checks_alone,
    ],
)
def test_less_than_before_is_never_an_unchanged_contract(
    case: Callable[[], Difference],
) -> None:
    told = telling.terminal([words.report(case())])
    headline, *rest = told.splitlines()
    assert "WEAKER" in headline or "BREAKS clients: format tflite removed" in headline
    assert "contract unchanged" not in told
    assert not any("same on both sides" in line and "contract" in line for line in rest)
