"""Models that saving or answering changes are refused by name, in the builder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.worker import state

LAYER = """\
import keras


@keras.saving.register_keras_serializable(package="own")
class Own(keras.layers.Dense):
    def build(self, shape):
        super().build(shape)
        self.spare = self.add_weight(shape=({size},), initializer="zeros", name="spare")

    def save_own_variables(self, store):
        super().save_own_variables(store)
        {saving}

    def call(self, x):
        {answering}
        return super().call(x)


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, Own(2, name="own")(inputs))
"""
MANIFEST = """\
schema_version: 1
name: own
version: v1
factory: model:make_model
custom_objects: [model:Own]
formats: [keras]
reference_inputs:
  - name: rows
    x: {normal: true, shape: [8, 4]}
"""
CHANGE = "self.spare.assign_add([1.0] + [0.0] * {rest})"


@pytest.mark.parametrize("size", [1, state.LARGE // 4], ids=["small", "large"])
@pytest.mark.parametrize(
    ("saving", "answering", "said"),
    [
        (CHANGE, "pass", "saving changed the model: variable 'own/spare' changed"),
        ("pass", CHANGE, "answering changes the weights 'own/spare'"),
    ],
    ids=["saving", "answering"],
)
def test_changed_weights_are_named(
    saving: str,
    answering: str,
    said: str,
    size: int,
    project: Path,
    build: Callable[[Path], Outcome],
) -> None:
    lines = {"saving": saving, "answering": answering}
    given = {name: line.format(rest=size - 1) for name, line in lines.items()}
    (project / "model.py").write_text(LAYER.format(size=size, **given), encoding="utf-8")
    manifest = project / "model.artifact.yaml"
    manifest.write_text(MANIFEST, encoding="utf-8")
    with pytest.raises(Refusal) as refused:
        build(manifest)
    assert [problem.message for problem in refused.value.problems] == [said]
