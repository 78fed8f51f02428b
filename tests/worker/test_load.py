"""`artifactbuild.load`, as users call it, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import Refusal, load
from artifactbuild.pipeline import Outcome

TESTS = Path(__file__).parents[1]
Copy = Callable[[Path], Path]
Build = Callable[[Path], Outcome]


def run(code: str) -> str:
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.strip()


def test_both_spellings_of_a_custom_object_load(copied: Copy, build: Build) -> None:
    manifest = copied(TESTS.parent / "manifests" / "my_model")
    text = manifest.read_text()
    manifest.write_text(text.replace("  savedmodel: {}\n", "").replace("  weights: {}\n", ""))
    build(manifest)
    code = """
import sys
sys.path.insert(0, "my_model")
import keras
keras.saving.register_keras_serializable = lambda *a, **k: lambda cls: cls
from model import ScaledDense, WeightedMSE
import artifactbuild
for names in (("ScaledDense", "WeightedMSE"), ("my_model>ScaledDense", "my_model>WeightedMSE")):
    objects = dict(zip(names, (ScaledDense, WeightedMSE)))
    for format in ("keras", "h5"):
        model = artifactbuild.load(f"artifacts/my_model/{format}/v1", objects)
        print(int(model.optimizer.iterations), type(model.layers[1]).__name__)
"""
    assert run(code).splitlines() == ["80 ScaledDense"] * 4


def test_nothing_is_drawn_that_is_overwritten(copied: Copy, build: Build) -> None:
    manifest = copied(TESTS / "samples" / "dense")
    text = manifest.read_text().replace(
        "[savedmodel, keras, h5, weights]", "[savedmodel, keras, h5]"
    )
    manifest.write_text(text)
    build(manifest)
    code = """
import keras, numpy
import artifactbuild
def drawn(self, shape, dtype=None):
    raise AssertionError("drawn")
keras.initializers.GlorotUniform.__call__ = drawn
answers = [
    numpy.asarray(artifactbuild.load(f"artifacts/dense/{format}/v1")(numpy.ones((2, 4))))
    for format in ("savedmodel", "keras", "h5")
]
print(all((each == answers[0]).all() and each.any() for each in answers))
"""
    assert run(code) == "True"


def test_importing_artifactbuild_starts_no_tensorflow() -> None:
    assert run("import sys, artifactbuild; print('tensorflow' in sys.modules)") == "False"


@pytest.fixture
def published(copied: Copy, build: Build) -> Path:
    manifest = copied(TESTS / "samples" / "dense")
    manifest.write_text(
        manifest.read_text().replace("[savedmodel, keras, h5, weights]", "[weights]")
    )
    build(manifest)
    return Path("artifacts/dense/weights/v1").absolute()


DIGEST = "has the sha256 "


def test_damage_is_noticed_before_anything_is_opened(published: Path) -> None:
    data = published / "ckpt.data-00000-of-00001"
    data.chmod(0o644)
    data.write_bytes(data.read_bytes()[:-1] + b"\x00")
    (published / "extra").touch()
    (published / "ckpt.index").unlink()
    with pytest.raises(Refusal) as refused:
        load(published)
    said = [(Path(p.file).name, p.message[: len(DIGEST)]) for p in refused.value.problems]
    assert said == [
        ("ckpt.data-00000-of-00001", DIGEST),
        ("ckpt.index", "is missing from"),
        ("extra", "is not part of "),
    ]


def test_weights_want_a_model(published: Path) -> None:
    with pytest.raises(Refusal) as refused:
        load(published)
    assert str(refused.value) == (
        "dense/weights/v1: weights holds weights alone: name the model that they go into\n"
        "    artifactbuild.load(path, weights_into=model)"
    )


def test_weights_of_another_architecture_are_refused_by_name(published: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, "dense")
from model import make_model
import artifactbuild
try:
    artifactbuild.load({str(published)!r}, weights_into=make_model(units=5))
except artifactbuild.Refusal as refusal:
    print(refusal)
print(artifactbuild.load({str(published)!r}, weights_into=make_model()).count_params())
"""
    assert run(code) == (
        "dense/weights/v1: weight 'y/kernel' is float32[4, 5], "
        "the artifact's 'y/kernel' is float32[4, 2]\n"
        "    make the same architecture\n"
        "10"
    )
