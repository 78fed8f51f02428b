"""A configuration that points to a place of this machine: found by name, and refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.worker import places
from tests.worker.formats import projects
from tests.worker.formats.projects import case


def test_absolute_paths_that_lead_somewhere_are_found(tmp_path: Path) -> None:
    def config(value: object) -> object:
        return {"config": {"name": "outer", "layers": [{"name": "inner", "options": [value]}]}}

    assert places.fault(config(str(tmp_path))) == (
        f"the configuration of 'inner' has the path '{tmp_path}', which is of this machine: give "
        "what is in the file instead, such as a vocabulary as a list"
    )
    for harmless in ("/v1/models/of/nobody", "words.txt", "/", "", 3, None, b"/tmp"):
        assert places.fault(config(harmless)) == ""


KEEPS_PATH = """
@keras.saving.register_keras_serializable()
class Scaled(layers.Layer):
    def __init__(self, source, **kwargs):
        super().__init__(**kwargs)
        self.source = source

    def call(self, inputs):
        return inputs * float(np.loadtxt(self.source))

    def get_config(self):
        return {**super().get_config(), "source": self.source}


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, Scaled(PATH)(inputs))
"""


def test_layer_that_keeps_a_path_is_refused_where_it_would_be_kept(
    project: Path, build: Callable[[Path], Outcome]
) -> None:
    (project / "scale.txt").write_text("2.5")
    source = KEEPS_PATH.replace("PATH", repr(str(project / "scale.txt")))
    rest = "custom_objects: [model:Scaled]\n" + case("{normal: true, shape: [8, 4]}")
    manifest = projects.project(project, source, "[savedmodel, keras, h5, tflite]", rest)
    with pytest.raises(Refusal) as refused:
        build(manifest)
    assert [(each.line, each.message) for each in refused.value.problems] == [
        (
            5,
            f"the configuration of 'scaled' has the path '{project}/scale.txt', which is of this "
            "machine: give what is in the file instead, such as a vocabulary as a list",
        )
    ] * 3
