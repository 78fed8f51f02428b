from __future__ import annotations

from dataclasses import replace

import pytest

from artifactbuild.release import locking
from artifactbuild.release.record import Architecture, Check, Layer

CHECK = Check(
    loader="keras",
    compared="outputs",
    against="eager",
    compare="exact",
    rule="always",
    count=9,
    max_abs=0.0,
    atol=0.0,
    rtol=0.0,
    passed=True,
)


def layer(name: str, *inner: Layer) -> Layer:
    return Layer(
        name=name,
        kind="Dense",
        output_shape="(None, 3)",
        parameters=15,
        inputs=(),
        config={"units": 3},
        config_sha256="c" * 64,
        variables=(0, 1),
        weights_sha256="d" * 64,
        layers=inner,
    )


def test_layers_of_nested_models_follow_theirs_by_path() -> None:
    found = locking.layers((layer("a", layer("b", layer("c")), layer("d")), layer("e")))
    assert [each.name for each in found] == ["a", "a/b", "a/b/c", "a/d", "e"]


def test_digests_for_people_are_short() -> None:
    (found,) = locking.layers((layer("a"),))
    assert (found.config_digest, found.weights_digest) == ("c" * 12, "d" * 12)
    architecture = Architecture(
        kind="functional",
        precision="float32",
        stateful=False,
        layers=(layer("a", layer("b")),),
        outputs=("a",),
        parameters=15,
        trainable_parameters=14,
        config_sha256="e" * 64,
        weights_sha256="",
    )
    total = locking.totals(architecture)
    assert (total.layers, total.trainable) == (2, 14)
    assert (total.config_digest, total.weights_digest) == ("e" * 12, "")


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (CHECK, "outputs = eager"),
        (
            replace(CHECK, compare="allclose", atol=1e-6, rtol=1e-5, rule="default"),
            "outputs ≈ eager (atol 1e-06, rtol 1e-05)",
        ),
        (
            replace(CHECK, compare="allclose", atol=0.5, rule="formats.tflite"),
            "outputs ≈ eager (atol 0.5, rtol 0, formats.tflite)",
        ),
        (
            replace(CHECK, compare="argmax", rule="validation.outputs.y"),
            "outputs as eager by argmax, validation.outputs.y",
        ),
        (
            replace(CHECK, compared="weight variables", against="model"),
            "weight variables = model",
        ),
    ],
)
def test_check_is_told_by_its_rule_and_not_its_figures(check: Check, told: str) -> None:
    assert locking.told(check) == told
    assert locking.told(replace(check, max_abs=0.25, count=3)) == told
