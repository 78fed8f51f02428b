"""`artifactbuild.load`, as users call it, in processes of their own."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import Refusal, load
from artifactbuild.pipeline import Outcome
from artifactbuild.worker.formats import FORMATS
from tests.hints.following import follow
from tests.release import kept

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
    follow(str(refused.value), "artifactbuild.load(path, weights_into=model)")
    code = f"""
import sys
sys.path.insert(0, "dense")
from model import make_model
import artifactbuild
path, model = {str(published)!r}, make_model()
print(artifactbuild.load(path, weights_into=model).count_params())
"""
    assert run(code) == "10"


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
    said = run(code)
    follow(said, "make the same architecture")
    assert said == (
        "dense/weights/v1: weight 'y/kernel' is float32[4, 5], "
        "the artifact's 'y/kernel' is float32[4, 2]\n"
        "    make the same architecture\n"
        "10"
    )


WRITER = """
import os, random, sys, time
name, *contents = sys.argv[1:]
contents = [open(each, "rb").read() for each in contents]
while True:
    for number in range(8):
        data = contents[number % 2]
        if number < 4:  # another file under the same name
            with open("part", "wb") as file:
                file.write(data)
            os.replace("part", name)
        else:  # another content of the same file
            with open(name, "r+b") as file:
                file.write(data)
        time.sleep(random.random() / 100)
"""

RACE = """
import subprocess, sys
import h5py, numpy
import artifactbuild

name = "artifacts/dense/h5/v1/model.h5"
with h5py.File("theirs", "r+") as file:
    def poisoned(_, item):
        if isinstance(item, h5py.Dataset) and item.dtype == numpy.float32 and item.size >= 8:
            item[...] = 7.0
    file["model_weights"].visititems(poisoned)

def answer():
    return numpy.asarray(artifactbuild.load("artifacts/dense/h5/v1")(numpy.ones((2, 4))))

right = answer()
found = {"right": 0, "wrong": 0, "refused": 0}
writer = subprocess.Popen([sys.executable, "writer.py", name, "ours", "theirs"])
try:
    for _ in range(60):
        try:
            found["right" if (answer() == right).all() else "wrong"] += 1
        except artifactbuild.Refusal:
            found["refused"] += 1
finally:
    writer.kill()
assert found["refused"] and found["right"], "the writer was not seen at all"
print(found["wrong"])
"""


@pytest.fixture
def laid_out(project: Path, build: Build) -> Path:
    """Lay out what is kept, or what a Keras builds of it that is too old to load that."""
    root = kept.lay_out(project)
    if kept.IS_KERAS_OLDER:
        shutil.rmtree(root)
        manifest = project / kept.MODEL / "model.artifact.yaml"
        manifest.with_suffix(".lock").unlink()
        build(manifest)
        for path in filter(Path.is_file, root.rglob("*")):
            path.chmod(0o644)
    return root


def test_none_of_60_loads_gives_what_a_writer_puts_in_between(laid_out: Path) -> None:
    payload = laid_out / "dense" / "h5" / "v1" / "model.h5"
    for name in ("ours", "theirs"):
        shutil.copyfile(payload, name)
    Path("writer.py").write_text(WRITER)
    assert run(RACE) == "0"


PAYLOADS = {
    "h5": "model.h5",
    "keras": "model.keras",
    "onnx": "model.onnx",
    "savedmodel": "variables/variables.data-00000-of-00001",
    "tflite": "model.tflite",
}


@pytest.mark.parametrize("format", sorted(PAYLOADS))
def test_what_was_hashed_is_what_is_opened(
    laid_out: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    folder = laid_out / "dense" / format / "v1"
    restore = FORMATS[format].restore

    def restored_late(*arguments: object) -> object:
        with open(folder / PAYLOADS[format], "r+b") as file:
            file.write(b"\xff" * (folder / PAYLOADS[format]).stat().st_size)
        return restore(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(FORMATS[format], "restore", restored_late)
    loaded = load(folder)
    assert callable(loaded)
    with pytest.raises(Refusal):
        load(folder)


def test_private_copy_is_removed(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = kept.lay_out(project)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    load(root / "dense" / "tflite" / "v1")
    (root / "dense" / "h5" / "v1" / "model.h5").write_bytes(b"")
    with pytest.raises(Refusal):
        load(root / "dense" / "h5" / "v1")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_copy_that_has_no_room_is_refused_with_the_way_out(project: Path) -> None:
    kept.lay_out(project)
    code = """
import resource
import artifactbuild
import keras
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    artifactbuild.load("artifacts/dense/h5/v1")
except artifactbuild.Refusal as refusal:
    print(refusal)
"""
    assert run(code) == (
        "artifacts/dense/h5/v1: cannot be copied into a private folder before it is loaded: "
        "file too large\n"
        "    set TMPDIR to a folder that has room for the artifact"
    )


@pytest.mark.parametrize(
    ("place", "identity"),
    [
        ("artifacts/dense/tflite/v2", "dense@v2/tflite"),
        ("artifacts/fraud/tflite/v1", "fraud@v1/tflite"),
        ("artifacts/dense/onnx/v3", "dense@v3/onnx"),
    ],
)
def test_artifact_in_the_place_of_another_is_not_loaded(
    project: Path, place: str, identity: str
) -> None:
    kept.lay_out(project)
    shutil.copytree("artifacts/dense/tflite/v1", place)
    with pytest.raises(Refusal) as refused:
        load(place)
    (problem,) = refused.value.problems
    assert problem.message == (
        f"is dense@v1/tflite, but its folder is the place of {identity} [misplaced]"
    )


def test_copy_elsewhere_is_loaded_by_what_it_is_expected_to_be(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept.lay_out(project)
    shutil.copytree("artifacts/dense/tflite/v1", "srv/dense/1")
    caplog.set_level(logging.INFO, logger="artifactbuild")
    for expect in (None, "dense", "dense@v1", "dense/tflite", "dense@v1/tflite"):
        assert callable(load("srv/dense/1", expect=expect))
    assert {record.getMessage() for record in caplog.records} == {
        "loading dense@v1/tflite from srv/dense/1"
    }
    with pytest.raises(Refusal) as refused:
        load("srv/dense/1", expect="dense@v2")
    assert str(refused.value) == (
        "srv/dense/1/metadata.json: is dense@v1/tflite, expected dense@v2 [identity]\n"
        "    use the artifact of dense@v2, or expect dense@v1/tflite"
    )
    with pytest.raises(ValueError) as error:
        load("srv/dense/1", expect="dense/v1")
    assert str(error.value).startswith("'v1' in 'dense/v1' is not a format: formats are: ")


def test_mapped_payload_does_not_change_after_it_was_loaded(project: Path) -> None:
    kept.lay_out(project)
    code = """
import os
import numpy
import artifactbuild
name = "artifacts/dense/tflite/v1/model.tflite"
inputs = {"x": numpy.ones((2, 4), "float32")}
before = artifactbuild.load("artifacts/dense/tflite/v1")(inputs)
predict = artifactbuild.load("artifacts/dense/tflite/v1")
with open(name, "r+b") as file:
    file.write(bytes(os.path.getsize(name)))
after = predict(inputs)
print(all((before[key] == after[key]).all() and before[key].any() for key in before))
"""
    assert run(code) == "True"
