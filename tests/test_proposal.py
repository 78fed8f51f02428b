"""From factories of different kinds to manifests that build as they stand.

`pytest tests/test_proposal.py --update-golden` writes the expected manifests anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from artifactbuild.job import store
from artifactbuild.manifest.load import load
from artifactbuild.manifest.model import Target, Tensor
from artifactbuild.manifest.placing import Wish, place
from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.proposal import Proposed, propose
from artifactbuild.release.digest import of_folder
from artifactbuild.worker.server import Server
from tests.hints.following import follow

AUTHORS = Path(__file__).parent / "samples" / "authors"
PRINTED = "artifacts/.proposed/house/build.log"
Build = Callable[[Path], Outcome]
Init = Callable[..., Proposed]


def wish(factory: str, **asked: Any) -> Wish:
    plain: Mapping[str, Any] = {
        "name": None,
        "folder": None,
        "version": "v1",
        "seed": 0,
        "kwargs": {},
        "inputs": (),
        "formats": (),
    }
    return Wish(factory=Target.parse(factory), **{**plain, **asked})


@pytest.fixture
def shop(project: Path) -> Path:
    ignored = shutil.ignore_patterns("expected", "__pycache__")
    shutil.copytree(AUTHORS, project, ignore=ignored, dirs_exist_ok=True)
    return project


@pytest.fixture
def init(shop: Path, server: Server) -> Init:
    def proposed(factory: str, **asked: Any) -> Proposed:
        asked_for = wish(factory, **asked)
        where = place(asked_for, shop)
        return propose(asked_for, where, store(where.project, None), server, lambda text: None)

    return proposed


@pytest.mark.parametrize(
    ("factory", "manifest", "formats"),
    [
        ("house:make_model", "model.artifact.yaml", ("tflite",)),
        ("stack:build_thumbnail", "model.artifact.yaml", ("savedmodel",)),
        ("shop.models:make_ranker", "manifests/ranker/model.artifact.yaml", ("keras",)),
        ("shop.models:make_sentiment", "manifests/sentiment/model.artifact.yaml", ()),
        ("shop.models:make_basket", "manifests/basket/model.artifact.yaml", ("h5",)),
    ],
)
def test_proposed_manifest_builds_unedited(
    init: Init,
    build: Build,
    shop: Path,
    update_golden: bool,
    factory: str,
    manifest: str,
    formats: tuple[str, ...],
) -> None:
    made = init(factory, formats=formats)
    assert made.manifest == manifest
    assert made.formats == (formats or ("savedmodel", "keras", "weights", "weights_h5"))
    golden = AUTHORS / "expected" / f"{made.model}.yaml"
    text = Path(manifest).read_text(encoding="utf-8")
    if update_golden:
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    outcome = build(shop / manifest)
    assert [(r.format, r.outcome) for r in outcome.results] == [
        (format, "published") for format in made.formats
    ]
    assert made.log == (PRINTED if factory == "house:make_model" else "")
    if made.log:
        assert Path(made.log).read_text(encoding="utf-8").endswith("training on 8 houses\n")


def test_format_that_was_asked_for_and_cannot_is_a_problem(init: Init, shop: Path) -> None:
    before = of_folder(shop)
    with pytest.raises(Refusal) as refused:
        init("shop.models:make_sentiment", formats=("keras", "h5"))
    assert str(refused.value) == (
        "shop.models:make_sentiment: h5 loses the vocabulary of 'words'; use keras or savedmodel\n"
        "    leave it out of --format"
    )
    assert of_folder(shop) == before
    assert not Path("manifests").exists()


def test_failing_factory_is_told_as_a_build_tells_it(init: Init, shop: Path) -> None:
    Path("dead.py").write_text("def make_model():\n    return {}['nothing']\n")
    before = of_folder(shop)
    with pytest.raises(Refusal) as refused:
        init("dead:make_model", folder=shop / "manifests" / "dead")
    assert str(refused.value) == (
        "dead:make_model: the factory 'dead:make_model' raised KeyError: 'nothing' at dead.py:2 "
        "(return {}['nothing'])\n"
        "    the whole traceback is in build.log"
    )
    assert refused.value.kept == "artifacts/.proposed/dead"
    log = Path(refused.value.kept, "build.log")
    assert "KeyError: 'nothing'" in log.read_text(encoding="utf-8")
    log.unlink()
    assert of_folder(shop) == before
    assert not Path("manifests").exists()


SUBCLASSED = """
import keras

class Adder(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.left, self.right = keras.layers.Dense(2), keras.layers.Embedding(7, 2)

    def call(self, inputs):
        return self.left(inputs["a"]) + keras.ops.sum(self.right(inputs["b"]), axis=1)

def make_model():
    return Adder()

def make_alike():
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="zeros")(inputs))

def make_local():
    class Inner(keras.layers.Layer):
        def call(self, inputs):
            return inputs + 1.0

    inputs = keras.Input((3,))
    return keras.Model(inputs, Inner()(inputs))

class Shifted(keras.layers.Layer):
    def __init__(self, by=1.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def call(self, inputs):
        return inputs + self.by

    def get_config(self):
        return super().get_config()

def make_forgetful():
    inputs = keras.Input((3,))
    return keras.Model(inputs, Shifted(by=2.0)(inputs))

class Folded(keras.layers.Layer):
    def call(self, inputs):
        return keras.ops.reshape(inputs, (-1, 37))

def make_folded():
    inputs = keras.Input((None,), name="x")
    return keras.Model(inputs, keras.layers.Dense(2)(Folded()(inputs)))

def make_hyphen():
    inputs = {"user-id": keras.Input((3,), name="user-id")}
    return keras.Model(inputs, keras.layers.Dense(2)(inputs["user-id"]))
"""


def test_unbuilt_subclassed_model_asks_for_its_inputs_and_takes_them(
    init: Init, build: Build, shop: Path
) -> None:
    Path("adder.py").write_text(SUBCLASSED)
    with pytest.raises(Refusal) as refused:
        init("adder:make_model")
    assert str(refused.value) == (
        "adder:make_model: Adder does not say what its inputs are: it is no functional model, and "
        "its `call` is code\n"
        "    name each one: `--input NAME:DTYPE:SHAPE`, such as `--input ids:int32:null,16`"
    )
    follow(
        str(refused.value),
        "name each one: `--input NAME:DTYPE:SHAPE`, such as `--input ids:int32:null,16`",
    )
    given = (
        Tensor(name="a", shape=(None, 3), dtype="float32"),
        Tensor(name="b", shape=(None, 4), dtype="int32"),
    )
    made = init("adder:make_model", inputs=given, formats=("savedmodel",))
    assert load(shop / made.manifest).manifest.input_signature == given
    assert build(shop / made.manifest).results[0].outcome == "published"


def test_model_that_answers_nothing_that_was_tried_takes_what_it_is_told(
    init: Init, build: Build, shop: Path
) -> None:
    Path("adder.py").write_text(SUBCLASSED)
    with pytest.raises(Refusal) as refused:
        init("adder:make_folded")
    assert "adder:make_folded: calling the model raised InvalidArgumentError" in str(refused.value)
    follow(
        str(refused.value),
        "say what it takes: `--input NAME:DTYPE:SHAPE`, such as `--input x:float32:null,32`",
    )
    given = (Tensor(name="x", shape=(None, 37), dtype="float32"),)
    made = init("adder:make_folded", inputs=given, formats=("weights",))
    assert build(shop / made.manifest).results[0].outcome == "published"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "make_alike",
            "output 'output' is the same for all rows (16 values): it would not tell this model "
            "from another",
        ),
        (
            "make_local",
            "the model uses the custom object 'Inner', which no module has under that name",
        ),
        (
            "make_forgetful",
            "Shifted.get_config() leaves out 'by': a reloaded one takes the default",
        ),
        ("make_hyphen", "the input 'user-id' has a name that a manifest cannot hold"),
    ],
)
def test_model_of_which_no_manifest_can_speak(
    init: Init, shop: Path, function: str, message: str
) -> None:
    Path("adder.py").write_text(SUBCLASSED)
    with pytest.raises(Refusal) as refused:
        init(f"adder:{function}")
    (problem,) = refused.value.problems
    assert (problem.file, problem.message) == (f"adder:{function}", message)
    assert not Path("model.artifact.yaml").exists()
    assert not Path("schemas").exists()
    if function == "make_hyphen":
        follow(
            str(refused.value), "rename it to letters, digits and '_', other than 'name' and 'file'"
        )
        Path("adder.py").write_text(SUBCLASSED.replace("user-id", "user_id"))
        assert init(f"adder:{function}").model
